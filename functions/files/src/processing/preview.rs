//! Previews of clean images.

use std::io;

use blob::{BytesSource, Key, Source, Store, StoreError};
use bytes::{Bytes, BytesMut};
use events::UnitOfWork;
use web::{RequestInfo, problem::Result};

use super::inspection::Inspection;
use crate::{
    App,
    object_keys::preview_key,
    previews,
    store::{
        due::{self, DueFile},
        files::FileRow,
    },
};

impl App {
    /// Creates previews and returns their widths. Previews are optional, so an image that has none is only logged; an error of
    /// the database fails the check, which is repeated.
    pub(super) async fn create_previews(
        &self,
        due: DueFile,
        file: &FileRow,
        key: &Key,
        inspection: &Inspection,
        request: &RequestInfo,
    ) -> Result<Vec<i32>> {
        let Some(format) = previews::image_format(inspection.sniffed.mime_type) else {
            return Ok(Vec::new());
        };
        if inspection.size.unsigned_abs() > previews::MAX_FILE_SIZE {
            return Ok(Vec::new());
        }
        if !self.mark_previews_started(due, request).await? {
            tracing::info!("no previews were created: an earlier attempt did not finish");
            return Ok(Vec::new());
        }
        let created = async {
            let image = read(&self.store, key).await?;
            let previews = tokio::task::spawn_blocking(move || previews::generate(&image, format))
                .await
                .map_err(io::Error::other)?
                .map_err(io::Error::other)?;
            let mut widths = Vec::new();
            for (width, preview) in previews {
                let key = preview_key(&file.object_key, width)?;
                self.store.put(&key, &mut BytesSource::new(preview)).await?;
                widths.push(i32::try_from(width).unwrap_or_default());
            }
            Ok::<_, StoreError>(widths)
        };
        Ok(created.await.unwrap_or_else(|error| {
            tracing::info!(%error, "no previews were created");
            Vec::new()
        }))
    }

    /// Returns `false` if previews were attempted before. An image that crashes the process must not be tried again.
    async fn mark_previews_started(&self, due: DueFile, request: &RequestInfo) -> Result<bool> {
        let mut unit = UnitOfWork::begin_step(self, request, due.tenant).await?;
        let is_first = due::mark_previews_started(&mut unit, due.file).await?;
        unit.commit().await?;
        Ok(is_first)
    }
}

async fn read(store: &Store, key: &Key) -> Result<Bytes, StoreError> {
    let mut chunks = store
        .get(key, None)
        .await?
        .ok_or_else(|| io::Error::other("the object is missing"))?;
    let mut all = BytesMut::new();
    while let Some(chunk) = chunks.next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}
