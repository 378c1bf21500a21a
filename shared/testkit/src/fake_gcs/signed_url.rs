//! Signed URLs (V4, GOOG4-RSA-SHA256), verified against the actual request.
//!
//! <https://cloud.google.com/storage/docs/authentication/canonical-requests>

use std::{collections::BTreeMap, fmt::Write};

use access::opaque::sha256;
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use chrono::{NaiveDateTime, TimeDelta};

use super::{FakeGcs, account::EMAIL, media};

/// An error of the XML API.
type XmlError = (StatusCode, &'static str);

const DENIED: XmlError = (StatusCode::FORBIDDEN, "AccessDenied");
const SIGNATURE_MISMATCH: XmlError = (StatusCode::FORBIDDEN, "SignatureDoesNotMatch");
const EXPIRED: XmlError = (StatusCode::BAD_REQUEST, "ExpiredToken");
/// Maximum lifetime of a signed URL in seconds: one week.
const MAX_LIFETIME_SECONDS: i64 = 604_800;

pub(super) async fn serve(
    State(fake): State<FakeGcs>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&fake, &method, &uri, &headers, body).unwrap_or_else(|(status, code)| {
        let text =
            format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>");
        (status, [(header::CONTENT_TYPE, "application/xml")], text).into_response()
    })
}

fn answer(
    fake: &FakeGcs,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, XmlError> {
    let parameters = parameters(uri.query().unwrap_or_default());
    check(fake, method, uri.path(), &parameters, headers)?;
    let name = uri.path().strip_prefix(&format!("/{}/", FakeGcs::BUCKET));
    let name = decoded(name.ok_or((StatusCode::NOT_FOUND, "NoSuchBucket"))?);
    if *method == Method::PUT {
        check_size(headers, body.len())?;
        fake.store(&name, body);
        return Ok(StatusCode::OK.into_response());
    }
    let object = fake
        .object(&name)
        .ok_or((StatusCode::NOT_FOUND, "NoSuchKey"))?;
    let mut response = media::serve(&object, headers, false);
    for (parameter, name) in [
        ("response-content-type", header::CONTENT_TYPE),
        ("response-content-disposition", header::CONTENT_DISPOSITION),
    ] {
        if let Some(value) = parameters.get(parameter) {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

fn check(
    fake: &FakeGcs,
    method: &Method,
    path: &str,
    parameters: &BTreeMap<String, String>,
    headers: &HeaderMap,
) -> Result<(), XmlError> {
    let parameter = |name: &str| parameters.get(name).map(String::as_str).ok_or(DENIED);
    let signature = unhex(parameter("X-Goog-Signature")?).ok_or(SIGNATURE_MISMATCH)?;
    let date = parameter("X-Goog-Date")?;
    let (day, _) = date.split_once('T').ok_or(DENIED)?;
    let scope = format!("{day}/auto/storage/goog4_request");
    let is_ours = parameter("X-Goog-Credential")? == format!("{EMAIL}/{scope}");
    if !is_ours || parameter("X-Goog-Algorithm")? != "GOOG4-RSA-SHA256" {
        return Err(DENIED);
    }
    let signed_headers = parameter("X-Goog-SignedHeaders")?;
    let names: Vec<&str> = signed_headers.split(';').collect();
    // Headers that Google interprets must be signed.
    let is_signed = |name: &HeaderName| names.contains(&name.as_str());
    let mut own = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-goog-"));
    if !names.contains(&"host") || !names.is_sorted() || !own.all(is_signed) {
        return Err(SIGNATURE_MISMATCH);
    }
    let mut canonical = format!("{method}\n{path}\n{}\n", canonical_query(parameters));
    for name in &names {
        let value = headers.get(*name).ok_or(SIGNATURE_MISMATCH)?;
        let value = value.to_str().map_err(|_| SIGNATURE_MISMATCH)?.trim();
        writeln!(canonical, "{name}:{value}").unwrap();
    }
    write!(canonical, "\n{signed_headers}\nUNSIGNED-PAYLOAD").unwrap();
    let hash = hex(&sha256(canonical.as_bytes()));
    let message = format!("GOOG4-RSA-SHA256\n{date}\n{scope}\n{hash}");
    if !fake
        .inner
        .account
        .has_signed(message.as_bytes(), &signature)
    {
        return Err(SIGNATURE_MISMATCH);
    }
    let begins = NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").map_err(|_| DENIED)?;
    let lasts: i64 = parameter("X-Goog-Expires")?.parse().map_err(|_| DENIED)?;
    if !(1..=MAX_LIFETIME_SECONDS).contains(&lasts) {
        return Err(DENIED);
    }
    if begins.and_utc() + TimeDelta::seconds(lasts) < fake.now() {
        return Err(EXPIRED);
    }
    Ok(())
}

/// Checks the size against the signed header.
fn check_size(headers: &HeaderMap, size: usize) -> Result<(), XmlError> {
    let Some(range) = headers.get("x-goog-content-length-range") else {
        return Ok(());
    };
    let (min, max) = range.to_str().unwrap().split_once(',').unwrap();
    if size < min.parse().unwrap() {
        return Err((StatusCode::BAD_REQUEST, "EntityTooSmall"));
    }
    if size > max.parse().unwrap() {
        return Err((StatusCode::BAD_REQUEST, "EntityTooLarge"));
    }
    Ok(())
}

/// All parameters but the signature, sorted and encoded as in RFC 3986.
fn canonical_query(parameters: &BTreeMap<String, String>) -> String {
    let encoded: Vec<String> = parameters
        .iter()
        .filter(|(name, _)| *name != "X-Goog-Signature")
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    encoded.join("&")
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                all.push(byte.into());
            }
            _ => write!(all, "%{byte:02X}").unwrap(),
        }
        all
    })
}

fn decoded(text: &str) -> String {
    let (mut all, mut rest) = (Vec::new(), text.as_bytes());
    while let [byte, behind @ ..] = rest {
        let escaped = (*byte == b'%').then(|| behind.get(..2)).flatten();
        let escaped = escaped.and_then(|digits| unhex(std::str::from_utf8(digits).ok()?));
        rest = if escaped.is_some() {
            &behind[2..]
        } else {
            behind
        };
        all.push(escaped.map_or(*byte, |bytes| bytes[0]));
    }
    String::from_utf8(all).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut all, byte| {
        write!(all, "{byte:02x}").unwrap();
        all
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}
