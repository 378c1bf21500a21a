//! A file as the API returns it.

use crate::ids::FileId;
use chrono::{DateTime, Utc};
use db::ActorKind;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::reply::Versioned;

use crate::{
    domain::{
        file::{FileStatus, hex},
        media_type::Category,
    },
    store::files::FileRow,
};

/// A file, without its content.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f5-6d3e-7c11-8e5a-3b1a2c3d4e5f", "name": "Door.jpg", "original_name": "Door.jpg", "category": "attachment",
    "resource": "ticket:019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "internal": false, "status": "clean", "failure": null,
    "size": 182_044, "mime_type": "image/jpeg",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "preview_widths": [96, 320],
    "owner": {"kind": "user", "id": "019ab1f2-0000-7000-8000-000000000003"}, "revision": 1, "revision_of": null,
    "retention_until": null, "version": 3, "created_at": "2026-11-20T11:00:00Z", "updated_at": "2026-11-20T11:00:01Z"
}))]
pub struct File {
    /// The file's identifier.
    pub id: FileId,
    /// The file name.
    pub name: String,
    /// The file name at the time of the upload.
    pub original_name: String,
    /// The purpose of the file.
    pub category: Category,
    /// The resource that the file is attached to: `ticket:<id>` or `user:<id>`.
    pub resource: Option<String>,
    /// Whether only staff can see the file among those of its resource.
    pub internal: bool,
    /// The status.
    pub status: FileStatus,
    /// Why the file was refused or could not be checked, as a code.
    pub failure: Option<String>,
    /// The size in bytes; zero until the file was checked.
    pub size: i64,
    /// The media type, detected from the content.
    pub mime_type: Option<String>,
    /// The SHA-256 in hexadecimal digits.
    pub sha256: Option<String>,
    /// The widths of the available previews in pixels.
    pub preview_widths: Vec<i32>,
    /// Who uploaded the file.
    pub owner: Owner,
    /// The number of this revision within its document.
    pub revision: i32,
    /// The first revision of the document, if this is a later one.
    pub revision_of: Option<FileId>,
    /// The end of the retention period, until which the file cannot be deleted.
    pub retention_until: Option<DateTime<Utc>>,
    /// The version, which increases with every change.
    pub version: i32,
    /// When the upload was started.
    pub created_at: DateTime<Utc>,
    /// When the file last changed.
    pub updated_at: DateTime<Utc>,
}

/// Who uploaded a file.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Owner {
    /// The type of actor.
    pub kind: ActorKind,
    /// The actor's identifier.
    pub id: Option<Uuid>,
}

impl Versioned for File {
    fn version(&self) -> i32 {
        self.version
    }
}

impl From<FileRow> for File {
    fn from(row: FileRow) -> Self {
        let (resource, owner) = (row.resource(), row.owner());
        Self {
            id: row.id,
            name: row.name,
            original_name: row.original_name,
            category: row.category,
            resource: resource.map(|resource| resource.to_string()),
            internal: row.internal,
            status: row.status,
            failure: row.failure,
            size: row.size,
            mime_type: row.mime_type,
            sha256: row.sha256.as_deref().map(hex),
            preview_widths: row.preview_widths,
            owner: Owner {
                kind: owner.kind,
                id: owner.id,
            },
            revision: row.revision,
            revision_of: row.revision_of,
            retention_until: row.retention_until,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
