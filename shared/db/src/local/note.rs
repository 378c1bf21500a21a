//! The connection file `<local_dir>/<name>.json`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::LocalError;
use super::layout::{Layout, remove};

/// Port, data directory and password of a cluster.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) port: u16,
    pub(super) data_dir: PathBuf,
    pub(super) superuser_password: String,
}

impl Note {
    /// Reads the file of this cluster. One that cannot be parsed, or refers to another data directory (a copied or moved
    /// checkout), is ignored.
    pub(super) fn read(layout: &Layout) -> Result<Option<Self>, LocalError> {
        let text = match fs::read(&layout.note) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LocalError::io(&layout.note)(error)),
        };
        let note: Option<Self> = serde_json::from_slice(&text).ok();
        Ok(note.filter(|note| note.data_dir == layout.data))
    }

    /// Writes the file atomically, readable by its owner only.
    pub(super) fn write(&self, layout: &Layout) -> Result<(), LocalError> {
        let fresh = layout.note.with_extension("json.new");
        let json = serde_json::to_vec_pretty(self)
            .map_err(|error| LocalError::io(&layout.note)(io::Error::other(error)))?;
        remove(&fresh)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(&json))
            .map_err(LocalError::io(&fresh))?;
        fs::rename(&fresh, &layout.note).map_err(LocalError::io(&layout.note))
    }

    /// Updates the port, if it has changed.
    pub(super) fn with_port(mut self, port: u16, layout: &Layout) -> Result<Self, LocalError> {
        if self.port != port {
            self.port = port;
            self.write(layout)?;
        }
        Ok(self)
    }
}
