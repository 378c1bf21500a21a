//! A folder of mails, for machines that nothing must leave.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use futures::future::BoxFuture;
use ids::MessageId;

use super::{MailError, Mailer};
use crate::mail::Mail;

/// Writes each mail into a file of its own, `<message id>.eml`: what is sent again takes the place of itself.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// The folder can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the mail folder can't be read: {0}")]
pub struct FolderError(#[from] io::Error);

impl Folder {
    /// The folder at this path; it is made when the first mail comes.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The mails in it, newest first.
    pub fn list(&self) -> Result<Vec<MessageId>, FolderError> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".eml"));
            found.extend(id.and_then(|id| id.parse::<MessageId>().ok()));
        }
        // Identifiers sort by the time at which the message was written.
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found)
    }

    /// One of them as it was written.
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
                .map_err(|error| MailError::Refused(error.to_string()))?;
            let (path, content) = (self.path(mail.id), composed.formatted());
            let written = tokio::task::spawn_blocking(move || write(&path, &content)).await;
            written
                .map_err(io::Error::other)
                .flatten()
                .map_err(|error| MailError::Retry(format!("the mail folder: {}", error.kind())))
        })
    }
}

/// Beside its place and then into it: a reader sees a whole mail or none. Mails hold links that open accounts, so nobody
/// else on the machine reads them.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let unfinished = path.with_extension(format!(
        "{:016x}.tmp",
        u64::from_ne_bytes(access::opaque::random())
    ));
    let write_whole = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(content)?;
        fs::rename(&unfinished, path)
    };
    write_whole().inspect_err(|_| {
        // What is left of it is of no use; a second failure changes nothing.
        _ = fs::remove_file(&unfinished);
    })
}
