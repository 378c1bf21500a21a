//! What a settled file does not need any more.

use std::io;

use blob::{Key, Store, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use db::Actor;
use web::problem::Result;

use super::CLAIM;
use crate::{
    App,
    domain::file::Status,
    http::{parts_prefix, uploads::ADDRESS_LIFETIME},
    store::due::{self, Due},
};

/// After so long no request that began in time is still under way.
const LAST_LOOK: TimeDelta = TimeDelta::hours(24);

impl App {
    /// Removes what is not needed any more of a file that is settled: parts, and where it is to be given to nobody, everything.
    pub(super) async fn tidy(&self, due: Due) -> Result<()> {
        let now = self.gate.clock().now();
        let until = now + CLAIM;
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let Some(settled) = due::find_settled(&mut tx, due.file, until).await? else {
            return Ok(());
        };
        tx.commit().await?;
        let unavailable = |error: StoreError| {
            tracing::warn!(%error, "objects are left to the next time");
            web::problem::UNAVAILABLE.problem()
        };
        let mut prefixes = vec![format!("{}/", parts_prefix(due.tenant, due.file))];
        if settled.status != Status::Clean {
            // The object, and its previews behind a hyphen.
            prefixes.push(settled.object_key.clone());
        }
        for prefix in prefixes {
            remove_all(&self.store, &prefix)
                .await
                .map_err(unavailable)?;
        }
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        due::delete_parts(&mut tx, due.file).await?;
        let late = settled.addressed_at.and_then(|at| next_look(at, now));
        // A list may take long: who deleted the file meanwhile has said when its bytes go.
        due::set_tidied(&mut tx, due.file, (&settled, until), late).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The client can still put something there as long as its address is good, and what began then may end much later.
fn next_look(addressed_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let looks = [CLAIM, LAST_LOOK].map(|after| addressed_at + ADDRESS_LIFETIME + after);
    looks.into_iter().find(|look| *look > now)
}

/// Removes every object whose key begins so.
async fn remove_all(store: &Store, prefix: &str) -> Result<(), StoreError> {
    loop {
        let found = store.list(prefix, None).await?;
        if found.is_empty() {
            return Ok(());
        }
        for object in found {
            let key = Key::parse(&object.key).map_err(io::Error::other)?;
            store.delete(&key).await?;
        }
    }
}
