//! Events published by this context. Data holds identifiers and codes only, never names of files or people.

use crate::ids::FileId;
use db::Actor;
use ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{file::Status, media_type::Category};

events::events! {
    context "files";
    /// An upload is complete and its file is being checked.
    FileUploaded = "file.uploaded.v1", subject file_id {
        /// The file.
        file_id: FileId = example_file(),
        /// The purpose of the file.
        category: Category = Category::Attachment,
        /// The resource that the file is attached to: `ticket:<id>` or `user:<id>`.
        resource: Option<String> = Some(example_resource()),
        /// Who uploaded the file.
        owner: Actor = example_owner(),
    }
    /// The check of a file ended.
    FileScanned = "file.scanned.v1", subject file_id {
        /// The file.
        file_id: FileId = example_file(),
        /// The result: `clean`, `infected`, `rejected` or `scan_failed`.
        status: Status = Status::Clean,
        /// The purpose of the file.
        category: Category = Category::Attachment,
        /// The resource that the file is attached to: `ticket:<id>` or `user:<id>`.
        resource: Option<String> = Some(example_resource()),
    }
    /// Malware was found in a file, which cannot be downloaded.
    FileInfected = "file.infected.v1", subject file_id {
        /// The file.
        file_id: FileId = example_file(),
        /// The resource that the file is attached to: `ticket:<id>` or `user:<id>`.
        resource: Option<String> = None,
        /// Who uploaded the file.
        owner: Actor = example_owner(),
    }
    /// A file was deleted.
    FileDeleted = "file.deleted.v1", subject file_id {
        /// The file.
        file_id: FileId = example_file(),
        /// The resource that the file is attached to: `ticket:<id>` or `user:<id>`.
        resource: Option<String> = Some(example_resource()),
    }
    /// A tenant's storage usage reached 80 or 95 percent of its limit.
    QuotaWarning = "quota.warning.v1", subject percent {
        /// The threshold in percent of the limit.
        percent: StorageThreshold = StorageThreshold(80),
        /// The bytes in use.
        used_bytes: i64 = 4_294_967_296,
        /// The limit in bytes.
        limit_bytes: i64 = 5_368_709_120,
    }
}

/// A share of the storage limit in percent. All of them are about the same quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageThreshold(pub i64);

impl events::Subject for StorageThreshold {
    fn subject(&self) -> String {
        "quota/storage_bytes".to_owned()
    }
}

fn example_file() -> FileId {
    FileId::from_uuid(Uuid::from_u128(1))
}

fn example_owner() -> Actor {
    Actor::user(UserId::from_uuid(Uuid::from_u128(2)))
}

fn example_resource() -> String {
    format!("ticket:{}", Uuid::from_u128(3))
}
