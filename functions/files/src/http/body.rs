//! Request bodies of files and uploads, and their field types.

use crate::ids::FileId;
use access::file_grant::Resource;
use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};
use web::{
    Localized, SingleLine,
    body::{Change, Field},
    problem::{Errors, FieldCode, Pointer},
};

use crate::domain::{file::MAX_FILE_SIZE, file_name::FileName, media_type::Category};

/// A resource in the form `<type>:<id>`.
#[derive(Clone, Copy, Debug)]
pub struct ResourceField(pub Resource);

const RESOURCE_FORMAT: Localized = Localized {
    de: "muss die Form ticket:<id> oder user:<id> haben",
    en: "must have the form ticket:<id> or user:<id>",
};

impl ResourceField {
    /// Parses a resource.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        Resource::parse(text)
            .map(Self)
            .ok_or(FieldCode::InvalidFormat(RESOURCE_FORMAT))
    }
}

impl Field for ResourceField {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Some(text) = value.as_str() else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        Self::parse(text).map_or_else(|code| errors.refuse(at, code), Some)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^(ticket|user):[0-9a-f-]{36}$"))
            .into()
    }
}

impl Field for FileName {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Some(text) = value.as_str() else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        match Self::parse(text) {
            Ok(name) => Some(name),
            Err(code) => errors.refuse(at, code),
        }
    }

    fn schema() -> RefOr<Schema> {
        <SingleLine<1, 255> as Field>::schema()
    }
}

/// The size of a file in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSize(pub i64);

impl Field for FileSize {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        if !value.is_number() {
            return errors.refuse(at, FieldCode::WrongType("integer"));
        }
        match value.as_i64() {
            Some(size @ 0..=MAX_FILE_SIZE) => Some(Self(size)),
            _ => errors.refuse(at, FieldCode::OutOfRange(0, MAX_FILE_SIZE)),
        }
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(MAX_FILE_SIZE))
            .into()
    }
}

/// A SHA-256 in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sha256(pub Vec<u8>);

impl Field for Sha256 {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Some(text) = value.as_str() else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        let is_hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let pairs =
            (0..32).map(|pair| u8::from_str_radix(text.get(2 * pair..2 * pair + 2)?, 16).ok());
        match pairs.collect::<Option<Vec<u8>>>() {
            Some(hash) if is_hex => Some(Self(hash)),
            _ => errors.refuse(at, FieldCode::InvalidFormat(SHA256_FORMAT)),
        }
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9a-fA-F]{64}$"))
            .into()
    }
}

const SHA256_FORMAT: Localized = Localized {
    de: "muss aus 64 hexadezimalen Ziffern bestehen",
    en: "must be 64 hexadecimal digits",
};

web::body! {
    /// Changes to a file. Omitted fields keep their value.
    pub struct UpdateFile {
        /// The file name.
        pub name: Change<FileName>,
        /// The end of the retention period, until which the file cannot be deleted. It can only be extended.
        pub retention_until: Change<DateTime<Utc>>,
    }
    example { "name": "Door of room 4.jpg" }
}

web::body! {
    /// A new upload.
    pub struct CreateUpload {
        /// The file name.
        pub name: FileName,
        /// The exact size in bytes.
        pub size: FileSize,
        /// The purpose of the file; defaults to `attachment`, or to the category of the document that `revision_of` names.
        pub category: Option<Category>,
        /// The resource to attach the file to: `ticket:<id>` with a grant for that ticket, or `user:<id>` of the caller.
        pub resource: Option<ResourceField>,
        /// Whether only staff can see the file among those of its resource.
        pub internal: Option<bool>,
        /// The file of which this is a new revision. Requires permission to update that file. The revision inherits category, resource and visibility of its document.
        pub revision_of: Option<FileId>,
        /// The SHA-256 in hexadecimal digits; compared when the file is checked.
        pub sha256: Option<Sha256>,
    }
    example { "name": "Film.mp4", "size": 734_003_200, "category": "attachment" }
}
