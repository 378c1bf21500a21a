//! Headers of the tus protocol.

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
pub(super) const TUS_EXTENSIONS: &str =
    "creation,creation-defer-length,termination,expiration,checksum";
pub(super) const UPLOAD_LENGTH: &str = "upload-length";
pub(super) const UPLOAD_OFFSET: &str = "upload-offset";
pub(super) const UPLOAD_DEFER_LENGTH: &str = "upload-defer-length";
/// Sent with every response of the tus endpoints.
pub(crate) const TUS_RESUMABLE: (HeaderName, HeaderValue) = (
    HeaderName::from_static("tus-resumable"),
    HeaderValue::from_static(TUS_VERSION),
);

/// Proof that the client uses the supported version of the protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TusResumable(());

impl<S: Send + Sync> FromRequestParts<S> for TusResumable {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let (name, version) = TUS_RESUMABLE;
        if parts.headers.get(name) == Some(&version) {
            return Ok(Self(()));
        }
        let supported = HeaderName::from_static("tus-version");
        Err(error::TUS_VERSION.problem().header(supported, version))
    }
}

impl Arg for TusResumable {
    fn describe(doc: &mut OperationDoc) {
        doc.reads(header(
            "Tus-Resumable",
            "The version of the tus protocol.",
            TUS_VERSION,
        ));
        doc.refuses(&error::TUS_VERSION);
        doc.refuses(&problem::INVALID_HEADER);
    }
}

pub(super) fn invalid_header(name: &'static str) -> Problem {
    problem::INVALID_HEADER.problem().argument("header", name)
}

pub(super) fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Parses a number of bytes in a header.
pub(super) fn byte_count(headers: &HeaderMap, name: &'static str) -> Result<Option<i64>> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| invalid_header(name))?;
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number {
        return Err(invalid_header(name));
    }
    // Numbers that overflow exceed every limit.
    Ok(Some(text.parse().unwrap_or(i64::MAX)))
}

/// The value of `Upload-Expires`, an HTTP date.
pub(super) fn format_expires(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A value of `Upload-Metadata` is not UTF-8.
#[derive(Clone, Copy, Debug)]
pub(super) struct MetadataError;

/// Parses `Upload-Metadata`: comma-separated keys with values in base64. Values that are not UTF-8 only matter if they are used.
pub(super) fn metadata(
    headers: &HeaderMap,
) -> Result<BTreeMap<String, Result<String, MetadataError>>> {
    let name = "upload-metadata";
    let Some(value) = headers.get(name) else {
        return Ok(BTreeMap::new());
    };
    let text = value.to_str().map_err(|_| invalid_header(name))?;
    let mut metadata = BTreeMap::new();
    for pair in text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD
            .decode(value.trim())
            .map_err(|_| invalid_header(name))?;
        let value = String::from_utf8(value).map_err(|_| MetadataError);
        if metadata.insert(key.to_owned(), value).is_some() {
            return Err(invalid_header(name));
        }
    }
    Ok(metadata)
}

/// The expected hash of a chunk.
pub(super) struct UploadChecksum {
    pub(super) algorithm: &'static digest::Algorithm,
    pub(super) expected: Vec<u8>,
}

impl UploadChecksum {
    pub(super) const ALGORITHMS: &'static str = "sha1,sha256";

    /// Parses `Upload-Checksum`, if the client sends it.
    pub(super) fn parse(headers: &HeaderMap) -> Result<Option<Self>> {
        let name = "upload-checksum";
        let Some(value) = headers.get(name) else {
            return Ok(None);
        };
        let text = value.to_str().map_err(|_| invalid_header(name))?;
        let (algorithm, hash) = text.split_once(' ').ok_or_else(|| invalid_header(name))?;
        let algorithm = match algorithm {
            // Detects transmission errors only; tus requires SHA-1.
            "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => &digest::SHA256,
            _ => return Err(invalid_header(name)),
        };
        let expected = STANDARD
            .decode(hash.trim())
            .map_err(|_| invalid_header(name))?;
        if expected.len() != algorithm.output_len() {
            return Err(invalid_header(name));
        }
        Ok(Some(Self {
            algorithm,
            expected,
        }))
    }
}
