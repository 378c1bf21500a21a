//! Finds the programs of PostgreSQL, and installs them if that needs no interaction.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::LocalError;
use super::layout::Layout;

/// The oldest supported major version.
pub(super) const OLDEST: u32 = 15;

/// An installed PostgreSQL.
pub(super) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// The newest version, installed if necessary.
    pub(super) fn find_or_install() -> Result<Self, LocalError> {
        if let Some(found) = newest() {
            return Ok(found);
        }
        install()?;
        newest().ok_or_else(missing)
    }

    /// The installation with the major version of the data: others cannot open them.
    pub(super) fn that_made(layout: &Layout) -> Result<Self, LocalError> {
        let path = layout.data.join("PG_VERSION");
        let text = fs::read_to_string(&path).map_err(LocalError::io(&path))?;
        let major = text.trim().parse().unwrap_or_default();
        installed()
            .into_iter()
            .find(|found| found.major == major)
            .ok_or_else(|| LocalError::Version {
                data_dir: layout.data.clone(),
                major,
            })
    }

    /// Any installation: `pg_ctl stop` only sends a signal and waits.
    pub(super) fn any() -> Result<Self, LocalError> {
        newest().ok_or_else(missing)
    }

    /// The path of a program.
    pub(super) fn tool(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn newest() -> Option<Binaries> {
    installed().into_iter().max_by_key(|found| found.major)
}

/// All supported installations. `PATH` is not used: distributions put wrappers there that manage clusters of their own.
fn installed() -> Vec<Binaries> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
        ("/usr", "pgsql-"),
    ] {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        folders.extend(
            entries
                .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
                .map(|entry| entry.path().join("bin")),
        );
    }
    folders.push(PathBuf::from("/usr/bin"));
    if let Some(told) = output(Command::new("pg_config").arg("--bindir")) {
        folders.push(PathBuf::from(told.trim()));
    }
    folders
        .into_iter()
        .filter_map(|dir| recognise(&dir))
        .collect()
}

fn recognise(dir: &Path) -> Option<Binaries> {
    if !["initdb", "pg_ctl", "postgres"]
        .iter()
        .all(|tool| dir.join(tool).is_file())
    {
        return None;
    }
    let major = major_of(&output(Command::new(dir.join("pg_ctl")).arg("--version"))?)?;
    (major >= OLDEST).then(|| Binaries {
        dir: dir.to_owned(),
        major,
    })
}

/// `15` of `pg_ctl (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`, also of `16beta2`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = number
        .find(|c: char| !c.is_ascii_digit())
        .map_or(number, |end| &number[..end]);
    digits.parse().ok()
}

fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Installs with apt as root, or with Homebrew. Otherwise the error contains the command, as a password may be needed.
fn install() -> Result<(), LocalError> {
    let root = output(Command::new("id").arg("-u")).is_some_and(|text| text.trim() == "0");
    if root && available("apt-get") {
        tracing::info!("PostgreSQL is not installed: installing it with apt-get");
        let install = ["install", "-y", "--no-install-recommends", "postgresql"];
        // Missing or old package lists are the usual reason for a first failure.
        return apt_get(&install)
            .or_else(|_| apt_get(&["update"]).and_then(|()| apt_get(&install)));
    }
    if !root && available("brew") {
        tracing::info!("PostgreSQL is not installed: installing it with Homebrew");
        return run(
            "brew install postgresql@16",
            Command::new("brew").args(["install", "postgresql@16"]),
        );
    }
    Err(missing())
}

fn apt_get(arguments: &[&str]) -> Result<(), LocalError> {
    let mut command = Command::new("apt-get");
    // Another apt may be running (new machines update themselves): wait for it.
    command
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    run(&format!("apt-get {}", arguments.join(" ")), &mut command)
}

fn run(step: &str, command: &mut Command) -> Result<(), LocalError> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(LocalError::io(step))?;
    if output.status.success() {
        return Ok(());
    }
    Err(LocalError::Command {
        step: step.to_owned(),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn available(program: &str) -> bool {
    output(Command::new(program).arg("--version")).is_some()
}

fn missing() -> LocalError {
    let command = if cfg!(target_os = "macos") {
        "brew install postgresql@16"
    } else if available("dnf") {
        "sudo dnf install -y postgresql-server"
    } else {
        "sudo apt-get install -y postgresql"
    };
    LocalError::Missing { command }
}

#[cfg(test)]
mod tests {
    use super::major_of;

    #[test]
    fn versions_of_all_packagers_are_understood() {
        assert_eq!(
            major_of("pg_ctl (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_of("pg_ctl (PostgreSQL) 16.4 (Homebrew)\n"), Some(16));
        assert_eq!(major_of("pg_ctl (PostgreSQL) 19beta2\n"), Some(19));
        assert_eq!(major_of("pg_ctl (PostgreSQL) 9.6.24\n"), Some(9));
        assert_eq!(major_of("something else\n"), None);
    }
}
