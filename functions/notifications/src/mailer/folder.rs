//! Writes emails to a folder, for local development.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::ids::MessageId;
use futures::future::BoxFuture;

use super::{MailError, Mailer};
use crate::mail::Mail;

/// Writes each email to its own file, `<message id>.eml`. A repeated email replaces its file.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// The folder could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the mail folder can't be read: {0}")]
pub struct FolderError(#[from] io::Error);

impl Folder {
    /// The folder at this path. It is created with the first email.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Lists the emails, newest first.
    pub fn list(&self) -> Result<Vec<MessageId>, FolderError> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".eml"));
            ids.extend(id.and_then(|id| id.parse::<MessageId>().ok()));
        }
        // Identifiers sort by creation time.
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(ids)
    }

    /// Reads one email.
    pub fn read(&self, id: MessageId) -> Result<Option<Vec<u8>>, FolderError> {
        match fs::read(self.path(id)) {
            Ok(mail) => Ok(Some(mail)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn path(&self, id: MessageId) -> PathBuf {
        self.0.join(format!("{id}.eml"))
    }
}

impl Mailer for Folder {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let composed = mail
                .compose()
                .map_err(|error| MailError::Permanent(error.to_string()))?;
            let (path, content) = (self.path(mail.id), composed.formatted());
            let written =
                tokio::task::spawn_blocking(move || write_atomically(&path, &content)).await;
            written
                .map_err(io::Error::other)
                .flatten()
                .map_err(|error| MailError::Transient(format!("the mail folder: {}", error.kind())))
        })
    }
}

/// Writes to a temporary file and renames it, so that readers see a complete email or none. Emails contain sign-in links, so only
/// the owner can read them.
fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let temporary = path.with_extension(format!(
        "{:016x}.tmp",
        u64::from_ne_bytes(access::opaque::random())
    ));
    let write_whole = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(content)?;
        fs::rename(&temporary, path)
    };
    write_whole().inspect_err(|_| {
        // Best effort: a leftover temporary file is harmless.
        _ = fs::remove_file(&temporary);
    })
}
