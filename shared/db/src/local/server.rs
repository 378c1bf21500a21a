//! Lifecycle of a cluster: created by `initdb`, started and stopped by `pg_ctl`, with its state read from the pid file.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use super::binaries::Binaries;
use super::layout::{Layout, remove};
use super::{Durability, LocalError};

mod initdb;
mod pid_file;

pub(super) use initdb::{adopt_created, create};
pub(super) use pid_file::State;
use pid_file::{PidFile, Process};

/// The superuser of a private cluster.
pub(super) const SUPERUSER: &str = "postgres";

/// Attempts to start: the port may be taken in the meantime, and after `kill -9` orphaned backends need a moment to end.
const TRIES: u32 = 4;
/// Maximum size of the log before it is truncated.
const LOG_MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The state according to the pid file, its process and its port.
pub(super) fn state(layout: &Layout) -> State {
    let path = layout.data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&path) else {
        return State::Stopped;
    };
    let Some(file) = PidFile::parse(&text) else {
        return State::Crashed;
    };
    match (Process::find(file.pid, &layout.data), file.ready_port) {
        (Process::Ours, Some(port)) if speaks_postgres(port) => State::Ready { port },
        (Process::Ours, _) => State::Busy,
        // Left to the new server, which also checks for backends of the dead one.
        (Process::Gone, _) => State::Crashed,
        (Process::Foreign, _) => {
            // After a reboot the process id may be reused: the new server would take that process for its predecessor and
            // refuse to start.
            _ = fs::remove_file(&path);
            State::Crashed
        }
    }
}

/// Sends an SSL request: only PostgreSQL responds with `S` or `N`.
fn speaks_postgres(port: u16) -> bool {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let ask = || -> io::Result<u8> {
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(&SSL_REQUEST)?;
        let mut answer = [0];
        stream.read_exact(&mut answer)?;
        Ok(answer[0])
    };
    ask().is_ok_and(|answer| matches!(answer, b'S' | b'N'))
}

/// Starts the server on the `preferred` port, or on another one if it is taken. Returns the port.
pub(super) fn start(
    layout: &Layout,
    binaries: &Binaries,
    durability: Durability,
    preferred: u16,
) -> Result<u16, LocalError> {
    if fs::metadata(&layout.log).is_ok_and(|log| log.len() > LOG_MAX_BYTES) {
        remove(&layout.log)?;
    }
    let mut tries = 1;
    loop {
        let port = free_port(Some(preferred))?;
        let mut command = layout.command(&binaries.tool("pg_ctl"))?;
        command
            .args(["start", "--wait", "--timeout=60", "--silent", "--pgdata"])
            .arg(&layout.data)
            .arg("--log")
            .arg(&layout.log)
            .args(["--options", &options(durability, port)]);
        match run("pg_ctl start", &mut command) {
            Ok(()) => return Ok(port),
            Err(_) if tries < TRIES => wait(Duration::from_millis(250) * tries),
            Err(error) => return Err(with_log(error, layout)),
        }
        tries += 1;
    }
}

/// Stops a running server, disconnecting its clients, and waits until it has ended.
pub(super) fn stop(layout: &Layout) -> Result<(), LocalError> {
    let mut command = layout.command(&Binaries::any()?.tool("pg_ctl"))?;
    command
        .args(["stop", "--wait", "--mode=fast", "--silent", "--pgdata"])
        .arg(&layout.data);
    run("pg_ctl stop", &mut command).map_err(|error| with_log(error, layout))
}

/// The `preferred` port if it is free, else any free one.
pub(super) fn free_port(preferred: Option<u16>) -> Result<u16, LocalError> {
    let bind = |port| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr())
    };
    preferred
        .and_then(|port| bind(port).ok())
        .map_or_else(|| bind(0), Ok)
        .map(|address| address.port())
        .map_err(LocalError::io("a free port of 127.0.0.1"))
}

/// Passed at each start rather than written to the data directory, so that changes apply to existing clusters.
fn options(durability: Durability, port: u16) -> String {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        // Socket paths are limited to 107 bytes; loopback is not.
        "unix_socket_directories=".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
    ];
    let more: &[&str] = match durability {
        Durability::Safe => &["max_connections=100"],
        // Test binaries run concurrently, each with its own pools.
        Durability::Disposable => &[
            "max_connections=200",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            // Databases are copied as files, between two checkpoints.
            "wal_level=minimal",
            "max_wal_senders=0",
            "shared_buffers=256MB",
            // Databases are short-lived: nothing to vacuum.
            "autovacuum=off",
            // A finished test occasionally leaves a connection attempt pending. Dropping its database waits for the attempt,
            // by default for a minute.
            "authentication_timeout=5s",
        ],
    };
    settings.extend(more.iter().map(|setting| (*setting).to_owned()));
    settings
        .iter()
        .map(|setting| format!("-c {setting}"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn run(step: &str, command: &mut Command) -> Result<(), LocalError> {
    let program = command.get_program().to_owned();
    let output = command.output().map_err(LocalError::io(program))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stderr, output.stdout].concat();
    Err(LocalError::Command {
        step: step.to_owned(),
        output: String::from_utf8_lossy(&printed).into_owned(),
    })
}

/// `pg_ctl` only reports that it failed; the reason is in the log.
fn with_log(error: LocalError, layout: &Layout) -> LocalError {
    let LocalError::Command { step, output } = error else {
        return error;
    };
    let log = fs::read(&layout.log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().collect();
    let end = lines[lines.len().saturating_sub(12)..].join("\n");
    LocalError::Command {
        step,
        output: format!("{output}\n{}:\n{end}", layout.log.display()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "runs on a thread for blocking work; there is no event to wait for"
)]
fn wait(duration: Duration) {
    std::thread::sleep(duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_disposable_clusters_go_without_fsync() {
        assert!(!options(Durability::Safe, 1).contains("fsync"));
        assert!(options(Durability::Disposable, 1).contains("-c fsync=off"));
        assert!(options(Durability::Safe, 5433).starts_with("-c port=5433 "));
    }

    #[test]
    fn a_taken_port_is_replaced() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(free_port(Some(port)).unwrap(), port);
        drop(taken);
        assert_eq!(free_port(Some(port)).unwrap(), port);
    }
}
