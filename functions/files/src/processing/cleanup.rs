//! Removal of objects that a file no longer needs.

use std::io;

use blob::{Key, Store, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use events::UnitOfWork;
use web::{RequestInfo, problem::Result};

use super::CLAIM_DURATION;
use crate::{
    App,
    domain::file::{Status, UPLOAD_URL_TTL},
    object_keys::parts_prefix,
    store::due::{self, DueFile},
};

/// By then, every request that started before the signed URL expired has ended.
const FINAL_CLEANUP_DELAY: TimeDelta = TimeDelta::hours(24);

impl App {
    /// Removes the parts of a checked file, and all objects of a file that cannot be downloaded.
    pub(super) async fn clean_up(&self, due: DueFile, request: &RequestInfo) -> Result<()> {
        let mut unit = UnitOfWork::begin_step(self, request, due.tenant).await?;
        let now = unit.now();
        let until = now + CLAIM_DURATION;
        let Some(claimed) = due::claim_for_cleanup(&mut unit, due.file, until).await? else {
            return Ok(());
        };
        unit.commit().await?;
        let unavailable = |error: StoreError| {
            tracing::warn!(%error, "removing objects failed and is tried again");
            web::problem::UNAVAILABLE.problem()
        };
        let mut prefixes = vec![format!("{}/", parts_prefix(due.tenant, due.file))];
        if claimed.status != Status::Clean {
            // The object and its previews, whose keys have a suffix.
            prefixes.push(claimed.object_key.clone());
        }
        for prefix in prefixes {
            remove_all(&self.store, &prefix)
                .await
                .map_err(unavailable)?;
        }
        let mut unit = UnitOfWork::begin_step(self, request, due.tenant).await?;
        due::delete_parts(&mut unit, due.file).await?;
        let next = claimed.addressed_at.and_then(|at| next_cleanup(at, now));
        // Listing may take long. If the file was deleted in the meantime, its new due time must stay.
        due::finish_cleanup(&mut unit, due.file, &claimed, until, next).await?;
        unit.commit().await?;
        Ok(())
    }
}

/// The client can upload until the signed URL expires, and a request that starts then may end much later.
fn next_cleanup(addressed_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let times =
        [CLAIM_DURATION, FINAL_CLEANUP_DELAY].map(|delay| addressed_at + UPLOAD_URL_TTL + delay);
    times.into_iter().find(|time| *time > now)
}

/// Removes every object whose key starts with `prefix`.
async fn remove_all(store: &Store, prefix: &str) -> Result<(), StoreError> {
    loop {
        let objects = store.list(prefix, None).await?;
        if objects.is_empty() {
            return Ok(());
        }
        for object in objects {
            let key = Key::parse(&object.key).map_err(io::Error::other)?;
            store.delete(&key).await?;
        }
    }
}
