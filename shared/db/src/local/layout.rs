//! Paths of a cluster, and the user that runs its programs.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::digest;

use super::LocalError;

/// Folder of root's clusters, with a subfolder per checkout.
const ROOT_BASE: &str = "/var/lib/revalenz";
/// The system user that runs the server if we are root; created by the package.
const SYSTEM_USER: &str = "postgres";

/// The paths of a cluster.
pub(super) struct Layout {
    /// Port and password.
    pub(super) note: PathBuf,
    /// The data directory.
    pub(super) data: PathBuf,
    /// The server's log.
    pub(super) log: PathBuf,
    lock: PathBuf,
    base: PathBuf,
    name: String,
    root: bool,
}

impl Layout {
    /// The layout of `name`; creates `local_dir` if missing.
    pub(super) fn create(local_dir: &Path, name: &str) -> Result<Self, LocalError> {
        fs::create_dir_all(local_dir).map_err(LocalError::io(local_dir))?;
        Self::new(local_dir, name)
    }

    /// The layout of `name`, if `local_dir` exists.
    pub(super) fn existing(local_dir: &Path, name: &str) -> Result<Option<Self>, LocalError> {
        if local_dir.is_dir() {
            Self::new(local_dir, name).map(Some)
        } else {
            Ok(None)
        }
    }

    fn new(local_dir: &Path, name: &str) -> Result<Self, LocalError> {
        if name.is_empty()
            || !name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            return Err(LocalError::Name(name.to_owned()));
        }
        let local_dir = local_dir
            .canonicalize()
            .map_err(LocalError::io(local_dir))?;
        let root = id(&["-u"])? == 0;
        let base = if root {
            root_base(&local_dir)
        } else {
            local_dir.clone()
        };
        Ok(Self {
            note: local_dir.join(format!("{name}.json")),
            lock: local_dir.join(format!("{name}.lock")),
            data: base.join(name),
            log: base.join(format!("{name}.log")),
            base,
            name: name.to_owned(),
            root,
        })
    }

    /// Locks the cluster until the file is dropped. Child processes do not inherit it (close-on-exec), so the server that we
    /// start does not keep it.
    pub(super) fn lock(&self) -> Result<File, LocalError> {
        let file = File::create(&self.lock).map_err(LocalError::io(&self.lock))?;
        file.lock().map_err(LocalError::io(&self.lock))?;
        Ok(file)
    }

    /// A temporary path beside the data, possibly left over from an interrupted run.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        self.base.join(format!("{}.{suffix}", self.name))
    }

    /// Whether the data directory is complete.
    pub(super) fn has_data(&self) -> bool {
        self.data.join("PG_VERSION").is_file()
    }

    /// Creates the parent folder of the data, owned by the user that runs the server.
    pub(super) fn prepare_base(&self) -> Result<(), LocalError> {
        fs::create_dir_all(&self.base).map_err(LocalError::io(&self.base))?;
        if self.root {
            // Independent of the umask: the system user must be able to traverse it.
            fs::set_permissions(ROOT_BASE, Permissions::from_mode(0o755))
                .map_err(LocalError::io(ROOT_BASE))?;
            fs::set_permissions(&self.base, Permissions::from_mode(0o700))
                .map_err(LocalError::io(&self.base))?;
            self.give_to_server(&self.base)?;
        }
        Ok(())
    }

    /// Changes the owner of `path` to the user that runs the server.
    pub(super) fn give_to_server(&self, path: &Path) -> Result<(), LocalError> {
        if self.root {
            let (user, group) = system_user()?;
            chown(path, Some(user), Some(group)).map_err(LocalError::io(path))?;
        }
        Ok(())
    }

    /// A program of PostgreSQL, run as the right user and with a clean environment, as `PGPORT`, `PGDATA`, `LANG` and others
    /// change its behaviour.
    pub(super) fn command(&self, program: &Path) -> Result<Command, LocalError> {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .current_dir(&self.base);
        if self.root {
            let (user, group) = system_user()?;
            command.uid(user).gid(group);
        }
        Ok(command)
    }
}

/// The folder of root's clusters of a checkout: short, and independent of the path used to reach it.
fn root_base(local_dir: &Path) -> PathBuf {
    let hash = digest::digest(&digest::SHA256, local_dir.as_os_str().as_encoded_bytes());
    let number = hash
        .as_ref()
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    Path::new(ROOT_BASE).join(format!("{number:016x}"))
}

fn system_user() -> Result<(u32, u32), LocalError> {
    Ok((id(&["-u", SYSTEM_USER])?, id(&["-g", SYSTEM_USER])?))
}

/// Asks `id`: the standard library does not know user ids, and `unsafe` is forbidden.
fn id(arguments: &[&str]) -> Result<u32, LocalError> {
    let output = Command::new("id")
        .args(arguments)
        .output()
        .map_err(LocalError::io("id"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| LocalError::Command {
        step: format!("id {}", arguments.join(" ")),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Removes a file or folder, if it exists.
pub(super) fn remove(path: &Path) -> Result<(), LocalError> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LocalError::io(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_checkouts_do_not_share_a_folder() {
        let one = root_base(Path::new("/a/.local"));
        assert_ne!(one, root_base(Path::new("/b/.local")));
        assert_eq!(one, root_base(Path::new("/a/.local")));
        assert_eq!(one.file_name().map(std::ffi::OsStr::len), Some(16));
    }

    #[test]
    fn names_that_would_leave_the_folder_are_refused() {
        for name in ["", "../etc", "a b", "Upper", "a/b"] {
            assert!(
                matches!(
                    Layout::create(Path::new("."), name),
                    Err(LocalError::Name(_))
                ),
                "{name}"
            );
        }
    }
}
