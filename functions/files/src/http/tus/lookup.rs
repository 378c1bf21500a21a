//! Finding a resumable upload.

use crate::ids::FileId;
use access::Caller;
use web::problem::{self, Result};

use crate::{
    App,
    domain::file::Status,
    error::UPLOAD_GONE,
    http::uploads::find_upload,
    permissions::FileCreate,
    store::uploads::{Protocol, Upload},
};

/// The caller's resumable upload. Fails with `404` if there is none, and with `410` if it was cancelled or has expired.
pub(super) async fn find_tus_upload(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
) -> Result<Upload> {
    let now = app.state.clock().now();
    let upload = find_upload(app, caller, id).await?;
    if upload.protocol != Protocol::Tus {
        return Err(problem::NOT_FOUND.problem());
    }
    let is_expired =
        upload.status == Status::Pending && upload.due_at.is_some_and(|due| due <= now);
    if is_expired || upload.status == Status::Deleted {
        return Err(UPLOAD_GONE.problem());
    }
    Ok(upload)
}
