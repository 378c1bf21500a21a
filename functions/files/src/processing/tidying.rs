//! What a settled file does not need any more.

use std::io;

use blob::{Key, Store, StoreError};
use db::Actor;
use web::problem::Result;

use super::CLAIM;
use crate::{
    App,
    domain::file::Status,
    http::{parts_prefix, uploads::ADDRESS_LIFETIME},
    store::due::{self, Due},
};

impl App {
    /// Removes what is not needed any more of a file that is settled: parts, and where it is to be given to nobody, everything.
    pub(super) async fn tidy(&self, due: Due) -> Result<()> {
        let now = self.gate.clock().now();
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let Some(settled) = due::find_settled(&mut tx, due.file, now + CLAIM).await? else {
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
            prefixes.push(settled.object_key);
        }
        for prefix in prefixes {
            remove_all(&self.store, &prefix)
                .await
                .map_err(unavailable)?;
        }
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        due::delete_parts(&mut tx, due.file).await?;
        // As long as the client can still put something there, it is looked at once more.
        let late = settled.addressed_at.map(|at| at + ADDRESS_LIFETIME + CLAIM);
        due::set_due(&mut tx, due.file, late.filter(|late| *late > now)).await?;
        tx.commit().await?;
        Ok(())
    }
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
