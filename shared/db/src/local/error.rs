//! What can go wrong, said so that the reader knows what to type.

use std::io;
use std::path::PathBuf;

/// Why there is no local PostgreSQL. The text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The name would not be a good file name.
    #[error("`{0}` cannot name a cluster: a-z, 0-9 and - only")]
    Name(String),
    /// There is no PostgreSQL, and no package manager that we may ask for one.
    #[error(
        "PostgreSQL {} or newer is not installed. Type: {command}",
        super::binaries::OLDEST
    )]
    Missing {
        /// The command that installs it.
        command: &'static str,
    },
    /// The binaries that made the data are gone, usually after an upgrade of the system.
    #[error(
        "{} was made by PostgreSQL {major}, which is no longer installed: install it again, or `make clean-local` to begin anew",
        data_dir.display()
    )]
    Version {
        /// Where the data lie.
        data_dir: PathBuf,
        /// The major version that made them.
        major: u32,
    },
    /// A program of PostgreSQL or of the package manager refused.
    #[error("{step} failed:\n{output}")]
    Command {
        /// The program and what it was to do.
        step: String,
        /// What it printed, and the end of the server's log.
        output: String,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The runtime stopped while the server was being started.
    #[error("interrupted while PostgreSQL was being started")]
    Interrupted,
}

impl LocalError {
    /// For `map_err`: the path that the file system was asked about.
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
