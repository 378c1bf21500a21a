//! Secrets that are made here once, and files that only their owner reads.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use access::{Keyring, opaque};

use web::settings::Hidden;

use crate::settings::Settings;

/// Readable without a second look: no i, l, o, u, 0 or 1.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz23456789HK";
/// Letters of a password: 100 bits.
const PASSWORD_LENGTH: usize = 20;

/// Why a local file can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { path, source }
    }
}

/// A random password.
pub fn password() -> String {
    opaque::random::<PASSWORD_LENGTH>()
        .into_iter()
        // 256 is a multiple of 32: every letter is equally likely.
        .map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]))
        .collect()
}

/// The folder for local files, made when it is missing.
pub fn local_dir(settings: &Settings) -> Result<&Path, FileError> {
    let path = settings.local_dir.as_path();
    folder(path)?;
    Ok(path)
}

/// A folder that only its owner opens.
pub fn folder(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(FileError::at(path))
}

/// The master key that was given, else the one that was made at the first start.
pub fn master_key(settings: &Settings) -> Result<Hidden, crate::Error> {
    if let Some(given) = &settings.master_key {
        return Ok(given.clone());
    }
    let path = local_dir(settings)?.join("master.key");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = Keyring::generate();
            write(&path, &format!("{made}\n"))?;
            made
        }
        Err(error) => return Err(FileError::at(&path)(error).into()),
    };
    // Told here, where the file is known.
    match Keyring::parse(text.trim()) {
        Ok(_) => Ok(Hidden::new(text.trim())),
        Err(error) => Err(format!("{}: {error}", path.display()).into()),
    }
}

/// Writes a file that only its owner reads: whole, or not at all.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let fresh = path.with_extension("new");
    let written = || -> io::Result<()> {
        // One left behind by a crash may have other rights.
        let _ = fs::remove_file(&fresh);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&fresh, path)
    };
    written().map_err(FileError::at(path))
}

/// Reads a file that may not be there.
pub fn read(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::at(path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let (one, other) = (password(), password());
        assert_eq!(one.len(), PASSWORD_LENGTH);
        assert_ne!(one, other);
    }

    #[test]
    fn a_written_file_is_its_owners_alone() {
        let folder = std::env::temp_dir().join(format!("rvz-{}", password()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("secret.json");
        fs::write(&path, "old").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("new"));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(read(&folder.join("none")).unwrap(), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
