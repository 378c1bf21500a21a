//! `postmaster.pid`, and whether the process it names is the one that wrote it.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What a cluster is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::local) enum State {
    /// It ended properly, or was never started.
    Stopped,
    /// It ended without removing its pid file: `kill -9`, a reboot, a power cut.
    Crashed,
    /// It lives but takes no connections: starting, stopping or hung.
    Busy,
    /// It answers on this port.
    Ready {
        /// The port it answers on.
        port: u16,
    },
}

impl State {
    /// Whether there is a process to stop.
    pub(in crate::local) fn is_alive(self) -> bool {
        matches!(self, Self::Busy | Self::Ready { .. })
    }
}

/// The lines of `postmaster.pid` that matter: the first (pid), the fourth (port), the eighth (status).
#[derive(PartialEq, Eq, Debug)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    /// The port, once the server says that it is ready.
    pub(super) ready_port: Option<u16>,
}

impl PidFile {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let pid = lines.first()?.parse().ok()?;
        let ready = lines.get(7) == Some(&"ready");
        let ready_port = lines
            .get(3)
            .filter(|_| ready)
            .and_then(|port| port.parse().ok());
        Some(Self { pid, ready_port })
    }
}

/// Whom a process number belongs to.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Process {
    Gone,
    Foreign,
    Ours,
}

impl Process {
    /// A server of ours was started with its data directory as an argument; nothing else was.
    pub(super) fn find(pid: u32, data: &Path) -> Self {
        match command_line(pid) {
            None => Self::Gone,
            Some(line) if line.split(['\0', ' ']).any(|word| Path::new(word) == data) => Self::Ours,
            // `ps` separates by blanks, which a path may contain too.
            Some(line) if line.contains(&format!(" {}", data.display())) => Self::Ours,
            Some(_) => Self::Foreign,
        }
    }
}

/// The command line of a living process: from `/proc`, or from `ps` where there is none (macOS).
fn command_line(pid: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        // A zombie has none, and nothing of it is left to stop.
        return (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let output = Command::new("ps")
        .args(["-o", "command=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "1234\n/var/lib/revalenz/0a/test\n1763687000\n40123\n\n127.0.0.1\n  1310722     3\nready   \n";

    #[test]
    fn the_port_counts_once_the_server_is_ready() {
        assert_eq!(
            PidFile::parse(READY),
            Some(PidFile {
                pid: 1234,
                ready_port: Some(40123)
            })
        );
        let starting = READY.replace("ready   ", "starting");
        assert_eq!(
            PidFile::parse(&starting),
            Some(PidFile {
                pid: 1234,
                ready_port: None
            })
        );
        assert_eq!(
            PidFile::parse("1234\n/var"),
            Some(PidFile {
                pid: 1234,
                ready_port: None
            })
        );
    }

    #[test]
    fn a_torn_file_names_nobody() {
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("rubbish\n"), None);
    }

    #[test]
    fn somebody_elses_process_is_not_taken_for_the_server() {
        assert_eq!(
            Process::find(std::process::id(), Path::new("/nowhere/test-postgres")),
            Process::Foreign
        );
        assert_eq!(
            Process::find(u32::MAX, Path::new("/nowhere")),
            Process::Gone
        );
    }
}
