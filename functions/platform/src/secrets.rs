//! Generated secrets, and files that only their owner can read.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use access::{Keyring, opaque};

use web::settings::SecretString;

use crate::settings::Settings;

/// Alphabet without characters that are easy to confuse: no i, l, o, u, 0 or 1.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz23456789HK";
/// Length of a password in characters: 100 bits.
const PASSWORD_LENGTH: usize = 20;

/// Error of a local file operation.
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

/// Generates a random password.
pub fn password() -> String {
    opaque::random::<PASSWORD_LENGTH>()
        .into_iter()
        // 256 is a multiple of 32, so every character is equally likely.
        .map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]))
        .collect()
}

/// Returns the folder for local files; creates it if it is missing.
pub fn local_dir(settings: &Settings) -> Result<&Path, FileError> {
    let path = settings.local_dir.as_path();
    create_folder(path)?;
    Ok(path)
}

/// Creates a folder that only its owner can open.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(FileError::at(path))
}

/// Returns the configured master key, or the one in the local folder, which the first start generates.
pub fn master_key(settings: &Settings) -> Result<SecretString, crate::Error> {
    if let Some(given) = &settings.master_key {
        return Ok(given.clone());
    }
    let path = local_dir(settings)?.join("master.key");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let generated = Keyring::generate();
            write(&path, &format!("{generated}\n"))?;
            generated
        }
        Err(error) => return Err(FileError::at(&path)(error).into()),
    };
    // Parsed here, so that the error can name the file.
    match Keyring::parse(text.trim()) {
        Ok(_) => Ok(SecretString::new(text.trim())),
        Err(error) => Err(format!("{}: {error}", path.display()).into()),
    }
}

/// Writes a file that only its owner can read, atomically.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let temporary = path.with_extension("new");
    let written = || -> io::Result<()> {
        // A file left by a crash may have other permissions.
        let _ = fs::remove_file(&temporary);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&temporary, path)
    };
    written().map_err(FileError::at(path))
}

/// Reads a file; returns `None` if it does not exist.
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
    fn passwords_are_long_and_unique() {
        let (one, other) = (password(), password());
        assert_eq!(one.len(), PASSWORD_LENGTH);
        assert_ne!(one, other);
    }

    #[test]
    fn only_the_owner_can_read_a_written_file() {
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
