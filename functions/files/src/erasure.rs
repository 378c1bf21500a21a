//! Erasure of a closed tenant's data: all objects and rows.

use blob::Key;
use events::{Erasure, erasure::Erased};
use ids::TenantId;
use web::{Problem, problem::Result};

use crate::{App, error::store_unavailable, tables::TABLES};

/// The tables that this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "files",
    tables: TABLES,
};

/// Erases objects first, so that every remaining object still has its row.
pub(crate) async fn erase_closed(app: &App) -> Result<Erased> {
    let now = app.state.clock().now();
    for tenant in ERASURE.list_due(&app.db, now).await? {
        erase_objects(app, tenant).await?;
    }
    ERASURE.run(&app.db, now).await
}

async fn erase_objects(app: &App, tenant: TenantId) -> Result<()> {
    let prefix = format!("tenant/{tenant}/");
    loop {
        let page = app
            .store
            .list(&prefix, None)
            .await
            .map_err(store_unavailable)?;
        if page.is_empty() {
            return Ok(());
        }
        for object in page {
            let key = Key::parse(&object.key).map_err(Problem::internal)?;
            app.store.delete(&key).await.map_err(store_unavailable)?;
        }
    }
}
