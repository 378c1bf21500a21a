//! Previews of a picture that was found to be clean.

use std::io;

use blob::{Key, Source, Store, StoreError, Whole};
use bytes::{Bytes, BytesMut};
use db::Actor;

use super::inspection::Checked;
use crate::{
    App,
    domain::file::File,
    http::preview_key,
    previews,
    store::due::{self, Due},
};

impl App {
    /// Previews are a comfort: without them the file is as good.
    pub(super) async fn preview(
        &self,
        due: Due,
        file: &File,
        key: &Key,
        checked: &Checked,
    ) -> Vec<i32> {
        let Some(format) = previews::format(checked.sniffed.mime_type) else {
            return Vec::new();
        };
        if checked.size.unsigned_abs() > previews::LARGEST {
            return Vec::new();
        }
        let made = async {
            if !self.begin_previews(due).await.map_err(io::Error::other)? {
                return Err(io::Error::other("a process died over them").into());
            }
            let picture = read(&self.store, key).await?;
            let made = tokio::task::spawn_blocking(move || previews::make(&picture, format))
                .await
                .map_err(io::Error::other)?
                .map_err(io::Error::other)?;
            let mut widths = Vec::new();
            for (width, preview) in made {
                let key = preview_key(file, width)?;
                self.store.put(&key, &mut Whole::new(preview)).await?;
                widths.push(i32::try_from(width).unwrap_or_default());
            }
            Ok::<_, StoreError>(widths)
        };
        made.await.unwrap_or_else(|error| {
            tracing::info!(%error, "a picture without previews");
            Vec::new()
        })
    }

    /// Whether nobody has begun with them before: what a process dies over is not tried again.
    async fn begin_previews(&self, due: Due) -> db::Result<bool> {
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let first = due::begin_previews(&mut tx, due.file).await?;
        tx.commit().await?;
        Ok(first)
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
