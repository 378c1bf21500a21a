//! Errors, with what to do about them.

use std::io;
use std::path::PathBuf;

/// Why the local PostgreSQL is not available. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The name is not a valid file name.
    #[error("`{0}` cannot name a cluster: a-z, 0-9 and - only")]
    Name(String),
    /// PostgreSQL is not installed, and cannot be installed automatically.
    #[error(
        "PostgreSQL {} or newer is not installed. Type: {command}",
        super::binaries::OLDEST
    )]
    Missing {
        /// The command that installs it.
        command: &'static str,
    },
    /// The PostgreSQL version of the data is no longer installed, usually after a system upgrade.
    #[error(
        "{} was made by PostgreSQL {major}, which is no longer installed: install it again, or run `make clean-local` to start over",
        data_dir.display()
    )]
    Version {
        /// The data directory.
        data_dir: PathBuf,
        /// The major version of the data.
        major: u32,
    },
    /// A program of PostgreSQL or the package manager failed.
    #[error("{step} failed:\n{output}")]
    Command {
        /// The program and its purpose.
        step: String,
        /// Its output, and the end of the server's log.
        output: String,
    },
    /// A file system error.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The underlying error.
        source: io::Error,
    },
    /// The runtime stopped while the server was being started.
    #[error("interrupted while PostgreSQL was being started")]
    Interrupted,
}

impl LocalError {
    /// For `map_err`: adds the path.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_server_comes_with_the_command_that_installs_it() {
        let text = LocalError::Missing {
            command: "sudo apt-get install -y postgresql",
        }
        .to_string();
        assert_eq!(
            text,
            "PostgreSQL 15 or newer is not installed. Type: sudo apt-get install -y postgresql"
        );
    }
}
