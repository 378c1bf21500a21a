//! A file as the API shows it.

use access::file_grant::{Resource, ResourceType};
use chrono::{DateTime, Utc};
use db::ActorKind;
use ids::FileId;
use serde::{Serialize, Serializer};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{
    body::{Change, Field},
    problem::{Errors, FieldCode, Pointer},
    reply::Versioned,
};

use super::{kind::Category, name::FileName};

web::text_enum! {
    /// Where a file stands.
    pub enum FileStatus {
        /// Its bytes are still to come.
        Pending = "pending",
        /// All have come; they are being checked.
        Scanning = "scanning",
        /// Checked: it can be read.
        Clean = "clean",
        /// Something harmful was found; nobody gets it.
        Infected = "infected",
        /// It is not what was announced, or its category does not take its type; `failure` says why.
        Rejected = "rejected",
        /// It could not be checked, and so nobody gets it; `failure` says why.
        ScanFailed = "scan_failed",
        /// Deleted.
        Deleted = "deleted",
    }
}

/// Its name in OpenAPI is its own: other contexts have statuses too.
pub use FileStatus as Status;

/// A file.
#[derive(Clone, Debug, Serialize, ToSchema, FromRow)]
#[schema(example = json!({
    "id": "019ab1f5-6d3e-7c11-8e5a-3b1a2c3d4e5f", "name": "Door.jpg", "original_name": "Door.jpg", "category": "attachment",
    "resource": "ticket:019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "internal": false, "status": "clean", "failure": null,
    "size": 182_044, "mime_type": "image/jpeg",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "preview_widths": [96, 320],
    "owner": {"kind": "user", "id": "019ab1f2-0000-7000-8000-000000000003"}, "revision": 1, "revision_of": null,
    "retention_until": null, "version": 3, "created_at": "2026-11-20T11:00:00Z", "updated_at": "2026-11-20T11:00:01Z"
}))]
pub struct File {
    /// Its identifier.
    #[sqlx(rename = "file_id")]
    pub id: FileId,
    /// What it is called.
    pub name: String,
    /// What it was called when it came.
    pub original_name: String,
    /// What it is for.
    pub category: Category,
    /// The thing that it belongs to: `ticket:<id>` or `user:<id>`.
    #[sqlx(flatten)]
    #[serde(serialize_with = "linked")]
    #[schema(value_type = Option<String>)]
    pub resource: Link,
    /// Whether only staff sees it among the files of its thing.
    pub internal: bool,
    /// Where it stands.
    pub status: FileStatus,
    /// Why it was refused, in a word.
    pub failure: Option<String>,
    /// Its bytes; zero before they were counted.
    pub size: i64,
    /// What it is, by its content.
    pub mime_type: Option<String>,
    /// Its SHA-256 in hexadecimal digits.
    #[serde(serialize_with = "hexadecimal")]
    #[schema(value_type = Option<String>)]
    pub sha256: Option<Vec<u8>>,
    /// Widths in which there is a preview.
    pub preview_widths: Vec<i32>,
    /// Who uploaded it.
    #[sqlx(flatten)]
    pub owner: Owner,
    /// Which revision of the same document it is.
    pub revision: i32,
    /// The first revision, if it is a later one.
    pub revision_of: Option<FileId>,
    /// Until when it can't be deleted.
    pub retention_until: Option<DateTime<Utc>>,
    /// Grows with every change.
    pub version: i32,
    /// When its upload began.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Where its bytes are.
    #[serde(skip)]
    pub object_key: String,
}

impl File {
    /// The first revision of its document: by that one the document is known.
    pub fn first(&self) -> FileId {
        self.revision_of.unwrap_or(self.id)
    }
}

impl Versioned for File {
    fn version(&self) -> i32 {
        self.version
    }
}

/// The thing that a file belongs to, as columns.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Link {
    resource_type: Option<ResourceType>,
    resource_id: Option<Uuid>,
}

impl Link {
    /// The thing, if there is one.
    pub fn resource(self) -> Option<Resource> {
        Some(Resource {
            r#type: self.resource_type?,
            id: self.resource_id?,
        })
    }
}

/// Who uploaded a file.
#[derive(Clone, Copy, Debug, Serialize, ToSchema, FromRow)]
pub struct Owner {
    /// A person, a key.
    #[sqlx(rename = "created_by_kind")]
    pub kind: ActorKind,
    /// Which one.
    #[sqlx(rename = "created_by_id")]
    pub id: Option<Uuid>,
}

fn linked<S: Serializer>(link: &Link, serializer: S) -> Result<S::Ok, S::Error> {
    link.resource()
        .map(|resource| resource.to_string())
        .serialize(serializer)
}

#[expect(clippy::ref_option, reason = "what serde calls it with")]
fn hexadecimal<S: Serializer>(hash: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    hash.as_deref().map(hex).serialize(serializer)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String can't fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// `<type>:<id>` of a thing, in a body.
#[derive(Clone, Copy, Debug)]
pub struct ResourceField(pub Resource);

const RESOURCE: web::Texts = web::Texts {
    de: "ticket: oder user: und die Kennung",
    en: "ticket: or user: and the identifier",
};

impl ResourceField {
    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        Resource::parse(text)
            .map(Self)
            .ok_or(FieldCode::InvalidFormat(RESOURCE))
    }
}

impl Field for ResourceField {
    fn read(value: serde_json::Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Some(text) = value.as_str() else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        Self::parse(text).map_or_else(|code| errors.refuse(at, code), Some)
    }

    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^(ticket|user):[0-9a-f-]{36}$"))
            .into()
    }
}

/// Bytes of a file: up to 5 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSize(pub i64);

impl FileSize {
    /// The largest.
    pub const MOST: i64 = 5 << 30;
}

impl Field for FileSize {
    fn read(value: serde_json::Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        if !value.is_number() {
            return errors.refuse(at, FieldCode::WrongType("integer"));
        }
        match value.as_i64() {
            Some(size @ 0..=Self::MOST) => Some(Self(size)),
            _ => errors.refuse(at, FieldCode::OutOfRange(0, Self::MOST)),
        }
    }

    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .minimum(Some(0))
            .maximum(Some(Self::MOST))
            .into()
    }
}

/// A SHA-256 in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sha256(pub Vec<u8>);

impl Field for Sha256 {
    fn read(value: serde_json::Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Some(text) = value.as_str() else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        let digits = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let pairs =
            (0..32).map(|pair| u8::from_str_radix(text.get(2 * pair..2 * pair + 2)?, 16).ok());
        match pairs.collect::<Option<Vec<u8>>>() {
            Some(hash) if digits => Some(Self(hash)),
            _ => errors.refuse(at, FieldCode::InvalidFormat(DIGITS)),
        }
    }

    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[0-9a-fA-F]{64}$"))
            .into()
    }
}

const DIGITS: web::Texts = web::Texts {
    de: "64 hexadezimale Ziffern",
    en: "64 hexadecimal digits",
};

web::body! {
    /// What changes about a file.
    pub struct UpdateFile {
        /// What it is called.
        pub name: Change<FileName>,
        /// Until when it can't be deleted; never earlier than it says now.
        pub retention_until: Change<DateTime<Utc>>,
    }
    example { "name": "Door of room 4.jpg" }
}

web::body! {
    /// A file whose bytes are to come in a request of their own.
    pub struct CreateUpload {
        /// What it is called.
        pub name: FileName,
        /// Its bytes, exactly.
        pub size: FileSize,
        /// What it is for; when not said `attachment`, or what its document is for.
        pub category: Option<Category>,
        /// The thing that it belongs to: `ticket:<id>` with a grant for it, or `user:<id>` for oneself.
        pub resource: Option<ResourceField>,
        /// Whether only staff sees it among the files of its thing.
        pub internal: Option<bool>,
        /// The file that it is a new revision of, by whoever may change that one. It belongs where its document does.
        pub revision_of: Option<FileId>,
        /// Its SHA-256 in hexadecimal digits, to be checked when all has come.
        pub sha256: Option<Sha256>,
    }
    example { "name": "Film.mp4", "size": 734_003_200, "category": "attachment" }
}
