//! Handlers and wire types, one file per resource.

pub(crate) mod avatars;
mod body;
mod chunk;
pub(crate) mod content;
pub(crate) mod create;
pub(crate) mod downloads;
pub(crate) mod files;
mod grant;
mod signed_link;
mod start_upload;
pub(crate) mod tus;
pub(crate) mod uploads;
mod view;

use crate::ids::FileId;
use access::{Caller, Permission, file_grant::FileGrant};
use db::TenantTx;
use web::{problem, problem::Result};

use crate::store::files::{self as store, FileRow, ViewerScope};

/// The files that this caller can see.
pub(crate) fn viewer_scope<P: Permission>(
    caller: &Caller<P>,
    grant: Option<FileGrant>,
) -> ViewerScope {
    ViewerScope {
        actor: caller.actor,
        reach: caller.reach(),
        grant,
    }
}

/// Loads a file that the caller can see, or fails with `404`.
pub(crate) async fn load_file(
    tx: &mut TenantTx,
    viewer: &ViewerScope,
    id: FileId,
) -> Result<FileRow> {
    store::find_file(tx, viewer, id)
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}
