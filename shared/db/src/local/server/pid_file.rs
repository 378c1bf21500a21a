//! `postmaster.pid`, and whether its process is still the one that wrote it.

use std::fs;
use std::path::Path;
use std::process::Command;

/// State of a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::local) enum State {
    /// Stopped cleanly, or never started.
    Stopped,
    /// Ended without removing its pid file: `kill -9`, a reboot, a power cut.
    Crashed,
    /// Running but not accepting connections: starting, stopping or hung.
    Busy,
    /// Accepting connections on this port.
    Ready {
        /// The port.
        port: u16,
    },
}

impl State {
    /// Whether a process is running.
    pub(in crate::local) fn is_alive(self) -> bool {
        matches!(self, Self::Busy | Self::Ready { .. })
    }
}

/// The relevant lines of `postmaster.pid`: the first (pid), fourth (port) and eighth (status).
#[derive(PartialEq, Eq, Debug)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    /// The port, once the server is ready.
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

/// The owner of a process id.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Process {
    Gone,
    Foreign,
    Ours,
}

impl Process {
    /// Our server has its data directory as an argument; no other process has.
    pub(super) fn find(pid: u32, data: &Path) -> Self {
        match command_line(pid) {
            None => Self::Gone,
            Some(line) if line.split(['\0', ' ']).any(|word| Path::new(word) == data) => Self::Ours,
            // `ps` separates arguments by blanks, which a path may contain too.
            Some(line) if line.contains(&format!(" {}", data.display())) => Self::Ours,
            Some(_) => Self::Foreign,
        }
    }
}

/// The command line of a running process: from `/proc`, or from `ps` if that does not exist (macOS).
fn command_line(pid: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        // A zombie has no command line, and needs no stopping.
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
