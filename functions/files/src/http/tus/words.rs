//! The protocol's headers.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use axum::extract::FromRequestParts;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use web::{
    Problem,
    openapi::{Arg, OperationDoc, header},
    problem::{self, Result},
};

use crate::error;

pub(super) const TUS_VERSION: &str = "1.0.0";
pub(super) const EXTENSIONS: &str =
    "creation,creation-defer-length,termination,expiration,checksum";
pub(super) const LENGTH: &str = "upload-length";
pub(super) const OFFSET: &str = "upload-offset";
pub(super) const DEFER: &str = "upload-defer-length";
/// On every answer below the uploads' path.
pub(crate) const RESUMABLE: (HeaderName, HeaderValue) = (
    HeaderName::from_static("tus-resumable"),
    HeaderValue::from_static(TUS_VERSION),
);

/// The client speaks our version of the protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tus(());

impl<S: Send + Sync> FromRequestParts<S> for Tus {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let (name, version) = RESUMABLE;
        if parts.headers.get(name) == Some(&version) {
            return Ok(Self(()));
        }
        let supported = HeaderName::from_static("tus-version");
        Err(error::TUS_VERSION.problem().header(supported, version))
    }
}

impl Arg for Tus {
    fn describe(doc: &mut OperationDoc) {
        doc.reads(header(
            "Tus-Resumable",
            "The version of the protocol.",
            TUS_VERSION,
        ));
        doc.refuses(&error::TUS_VERSION);
        doc.refuses(&problem::INVALID_HEADER);
    }
}

pub(super) fn invalid(name: &'static str) -> Problem {
    problem::INVALID_HEADER.problem().argument("header", name)
}

pub(super) fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// A number of bytes in a header.
pub(super) fn length(headers: &HeaderMap, name: &'static str) -> Result<Option<i64>> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| invalid(name))?;
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(invalid(name));
    }
    // More than we can count is more than we take.
    Ok(Some(text.parse().unwrap_or(i64::MAX)))
}

/// `Upload-Expires`, as HTTP writes times.
pub(super) fn expires(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The value is no text.
#[derive(Clone, Copy, Debug)]
pub(super) struct MetadataError;

/// `Upload-Metadata`: names with values in base64, with commas between. Values that are no text only matter where one is read.
pub(super) fn metadata(
    headers: &HeaderMap,
) -> Result<BTreeMap<String, Result<String, MetadataError>>> {
    let name = "upload-metadata";
    let Some(value) = headers.get(name) else {
        return Ok(BTreeMap::new());
    };
    let text = value.to_str().map_err(|_| invalid(name))?;
    let mut said = BTreeMap::new();
    for pair in text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| invalid(name))?;
        let value = String::from_utf8(value).map_err(|_| MetadataError);
        if said.insert(key.to_owned(), value).is_some() {
            return Err(invalid(name));
        }
    }
    Ok(said)
}

/// What a piece's hash must be.
pub(super) struct Checksums {
    pub(super) algorithm: &'static digest::Algorithm,
    pub(super) wanted: Vec<u8>,
}

impl Checksums {
    pub(super) const NAMES: &'static str = "sha1,sha256";

    /// `Upload-Checksum`, if the client sends one.
    pub(super) fn read(headers: &HeaderMap) -> Result<Option<Self>> {
        let name = "upload-checksum";
        let Some(value) = headers.get(name) else {
            return Ok(None);
        };
        let text = value.to_str().map_err(|_| invalid(name))?;
        let (algorithm, hash) = text.split_once(' ').ok_or_else(|| invalid(name))?;
        let algorithm = match algorithm {
            // Against broken lines, not against an adversary.
            "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => &digest::SHA256,
            _ => return Err(invalid(name)),
        };
        let wanted = STANDARD.decode(hash.trim()).map_err(|_| invalid(name))?;
        if wanted.len() != algorithm.output_len() {
            return Err(invalid(name));
        }
        Ok(Some(Self { algorithm, wanted }))
    }
}
