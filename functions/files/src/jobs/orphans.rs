//! Orphans: objects without a row, and rows without an object.

use std::collections::BTreeSet;

use crate::ids::FileId;
use events::{Run, UnitOfWork};
use ids::TenantId;
use serde::Serialize;
use web::problem::Result;

use crate::{
    App,
    error::store_unavailable,
    store::{due, objects},
};

/// The orphans found. Nothing is removed: an orphan is a bug to investigate, and each one is logged with its key. Parts that
/// arrived late for a processed file are no orphans; that file is scheduled for another cleanup.
#[derive(Debug, Default, Serialize)]
pub(super) struct Orphans {
    objects: u64,
    objects_without_file: u64,
    files_without_object: u64,
}

pub(super) async fn report_orphans(app: &App, run: &Run) -> Result<Orphans> {
    let mut tx = app.db.begin_unscoped().await?;
    let tenants = due::list_tenants(&mut tx).await?;
    tx.commit().await?;
    let mut found = Orphans::default();
    for tenant in tenants {
        count_orphans(app, run, tenant, &mut found).await?;
    }
    metrics::gauge!("files_orphans", "kind" => "object")
        .set(gauge_value(found.objects_without_file));
    metrics::gauge!("files_orphans", "kind" => "row").set(gauge_value(found.files_without_object));
    Ok(found)
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
fn gauge_value(number: u64) -> f64 {
    number as f64
}

async fn count_orphans(app: &App, run: &Run, tenant: TenantId, found: &mut Orphans) -> Result<()> {
    let prefix = format!("tenant/{tenant}/");
    let mut after = String::new();
    loop {
        let page = app
            .store
            .list(&prefix, Some(&after))
            .await
            .map_err(store_unavailable)?;
        let last = page.last().map(|object| object.key.clone());
        let ids: BTreeSet<FileId> = page
            .iter()
            .filter_map(|object| file_id_of(&object.key))
            .collect();
        let ids: Vec<FileId> = ids.into_iter().collect();
        let mut unit = UnitOfWork::begin_step(app, &run.request, tenant).await?;
        let late: Vec<FileId> = page
            .iter()
            .filter(|object| is_part(&object.key))
            .filter_map(|object| file_id_of(&object.key))
            .collect();
        objects::schedule_cleanup(&mut unit, &late).await?;
        let with_objects = objects::list_files_with_objects(&mut unit, &ids).await?;
        let keys = objects::list_object_keys(&mut unit, &after, last.as_deref()).await?;
        unit.commit().await?;
        for object in &page {
            found.objects += 1;
            if file_id_of(&object.key).is_none_or(|file| !with_objects.contains(&file)) {
                found.objects_without_file += 1;
                log_orphan("object without a file", &object.key);
            }
        }
        let present: BTreeSet<&str> = page.iter().map(|object| object.key.as_str()).collect();
        for key in keys.iter().filter(|key| !present.contains(key.as_str())) {
            found.files_without_object += 1;
            log_orphan("file without an object", key);
        }
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

/// Keys contain the identifiers of tenant and file, which is all an operator needs.
fn log_orphan(what: &str, key: &str) {
    tracing::warn!(key, "{what}");
}

fn is_part(key: &str) -> bool {
    key.split('/').nth(2) == Some("uploads")
}

/// `tenant/<tenant>/uploads/<file>/<part>`, or `tenant/<tenant>/<year>/<month>/<file>[-<width>]`.
fn file_id_of(key: &str) -> Option<FileId> {
    let mut parts = key.split('/').skip(2);
    let name = match parts.next()? {
        "uploads" => parts.next()?,
        _year => parts.nth(1)?,
    };
    name.get(..36)?.parse().ok()
}
