//! A local folder as a store: each object is a file at the path of its key.

use std::{
    io::{self, ErrorKind},
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    fs,
    io::{AsyncSeekExt, AsyncWriteExt},
};

use crate::{Chunks, Key, ObjectSummary, ResponseHeaders, Result, SignedPut, Source, StoreError};

/// Maximum number of objects in a listing.
const MAX_LISTED: usize = 1_000;
/// Subfolder for incomplete uploads. No key starts with a dot.
const TEMP_FOLDER: &str = ".growing";

/// Distinguishes concurrent uploads of this process.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

/// A folder of objects.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Creates a store in this folder, which is created with the first object.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    pub(crate) async fn put(&self, key: &Key, source: &mut impl Source) -> Result<u64> {
        let (temp, mut file) = create_temp_file(&self.root).await?;
        let mut size = 0;
        while let Some(chunk) = source.next().await.map_err(StoreError::Source)? {
            file.write_all(&chunk).await?;
            size += chunk.len() as u64;
        }
        file.flush().await?;
        file.sync_all().await?;
        let path = self.path(key);
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).await?;
        fs::rename(&temp.0, &path).await?;
        // Sync the new directory entries too, up to the root.
        for folder in parent.ancestors().take_while(|p| p.starts_with(&self.root)) {
            fs::File::open(folder).await?.sync_all().await?;
        }
        Ok(size)
    }

    pub(crate) async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Chunks>> {
        let mut file = match fs::File::open(self.path(key)).await {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let total = file.metadata().await?.len();
        let Range { start, end } = range.unwrap_or(0..total);
        let start = start.min(total);
        if start > 0 {
            file.seek(io::SeekFrom::Start(start)).await?;
        }
        let size = end.min(total).saturating_sub(start);
        Ok(Some(Chunks::file(file, size)))
    }

    pub(crate) async fn size(&self, key: &Key) -> Result<Option<u64>> {
        match fs::metadata(self.path(key)).await {
            Ok(found) => Ok(Some(found.len()).filter(|_| found.is_file())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn delete(&self, key: &Key) -> Result<()> {
        match fs::remove_file(self.path(key)).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(crate) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectSummary>> {
        let root = self.root.clone();
        let (prefix, after) = (prefix.to_owned(), after.unwrap_or_default().to_owned());
        tokio::task::spawn_blocking(move || list_files(&root, &prefix, &after))
            .await
            .map_err(io::Error::other)?
            .map_err(StoreError::Io)
    }

    #[expect(clippy::unused_async, reason = "same signature for every store")]
    pub(crate) async fn sign_get(
        &self,
        _key: &Key,
        _headers: &ResponseHeaders<'_>,
        _lifetime: Duration,
    ) -> Result<Option<String>> {
        Ok(None)
    }

    #[expect(clippy::unused_async, reason = "same signature for every store")]
    pub(crate) async fn sign_put(
        &self,
        _key: &Key,
        _size: u64,
        _lifetime: Duration,
    ) -> Result<Option<SignedPut>> {
        Ok(None)
    }
}

/// Deletes an incomplete upload when dropped.
struct TempFile(PathBuf);

impl Drop for TempFile {
    fn drop(&mut self) {
        // Already renamed on success. Leftovers of a crash are named after a process that no longer exists.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Creates a temporary file that is unique among all processes sharing the folder.
async fn create_temp_file(root: &Path) -> io::Result<(TempFile, fs::File)> {
    loop {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", std::process::id());
        let path = root.join(TEMP_FOLDER).join(name);
        let mut options = fs::OpenOptions::new();
        match options.write(true).create_new(true).open(&path).await {
            Ok(file) => return Ok((TempFile(path), file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(root.join(TEMP_FOLDER)).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Lists the files below `root` whose keys start with `prefix`, sorted. Folders that cannot contain any are skipped.
fn list_files(root: &Path, prefix: &str, after: &str) -> io::Result<Vec<ObjectSummary>> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if name == TEMP_FOLDER {
                continue;
            }
            let key = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            let file_type = entry.file_type()?;
            if file_type.is_dir() {
                let below = format!("{key}/");
                if below.starts_with(prefix) || prefix.starts_with(&below) {
                    open.push(key);
                }
            } else if key.starts_with(prefix) && key.as_str() > after {
                match entry.metadata() {
                    Ok(metadata) => found.push(ObjectSummary {
                        key,
                        size: metadata.len(),
                    }),
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found.truncate(MAX_LISTED);
    Ok(found)
}
