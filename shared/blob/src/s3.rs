//! S3-compatible stores: AWS, Hetzner and others.

use std::{io, ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{StatusCode, header};
use reqwest::{Client, Response};
use rusty_s3::{
    Bucket, Credentials, S3Action, UrlStyle,
    actions::{CreateMultipartUpload, ListObjectsV2},
};
use url::Url;

use crate::{
    Chunks, Key, ObjectSummary, ResponseHeaders, Result, SignedPut, Source, StoreError,
    source::{PART_SIZE, read_part},
};

/// Validity of the signature of a request that is sent immediately.
const SIGNATURE_LIFETIME: Duration = Duration::from_mins(15);
/// Idle timeout of responses.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The bucket and its credentials.
#[derive(Clone)]
pub struct S3Settings {
    /// URL of the store.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// The region.
    pub region: String,
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: String,
}

/// A bucket.
#[derive(Clone)]
pub struct S3(Arc<Inner>);

struct Inner {
    bucket: Bucket,
    credentials: Credentials,
    http: Client,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S3({})", self.0.bucket.name())
    }
}

impl S3 {
    /// Opens a bucket with path-style URLs, which every compatible store supports.
    pub fn new(settings: S3Settings) -> Result<Self> {
        let invalid = |what: &dyn std::fmt::Display| StoreError::Settings(what.to_string());
        let endpoint: Url = settings.endpoint.parse().map_err(|e| invalid(&e))?;
        let bucket = Bucket::new(endpoint, UrlStyle::Path, settings.bucket, settings.region)
            .map_err(|e| invalid(&e))?;
        let http = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(READ_TIMEOUT)
            .build()
            .map_err(|e| invalid(&e))?;
        Ok(Self(Arc::new(Inner {
            bucket,
            credentials: Credentials::new(settings.access_key, settings.secret_key),
            http,
        })))
    }

    fn parts(&self) -> (&Bucket, Option<&Credentials>, &Client) {
        (&self.0.bucket, Some(&self.0.credentials), &self.0.http)
    }

    pub(crate) async fn put(&self, key: &Key, source: &mut impl Source) -> Result<u64> {
        let first = read_part(source).await?;
        if first.len() < PART_SIZE {
            return self.put_single(key, first).await;
        }
        let upload = self.create_multipart_upload(key).await?;
        match self.put_parts(key, &upload, first, source).await {
            Ok(size) => Ok(size),
            Err(error) => {
                // If this call is cancelled, the bucket's lifecycle rule removes the incomplete upload.
                if let Err(error) = self.abort(key, &upload).await {
                    tracing::warn!(%error, "an incomplete upload was left in the bucket");
                }
                Err(error)
            }
        }
    }

    async fn put_single(&self, key: &Key, bytes: Bytes) -> Result<u64> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket
            .put_object(credentials, key.as_str())
            .sign(SIGNATURE_LIFETIME);
        let size = bytes.len() as u64;
        let request = http
            .put(url)
            .header(header::CONTENT_LENGTH, size)
            .body(bytes);
        check_status(request.send().await).await?;
        Ok(size)
    }

    async fn create_multipart_upload(&self, key: &Key) -> Result<String> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket
            .create_multipart_upload(credentials, key.as_str())
            .sign(SIGNATURE_LIFETIME);
        let response = check_status(
            http.post(url)
                .header(header::CONTENT_LENGTH, 0)
                .send()
                .await,
        )
        .await?;
        let text = response.text().await.map_err(network_error)?;
        let created = CreateMultipartUpload::parse_response(&text).map_err(invalid_response)?;
        Ok(created.upload_id().to_owned())
    }

    async fn put_parts(
        &self,
        key: &Key,
        upload: &str,
        first: Bytes,
        source: &mut impl Source,
    ) -> Result<u64> {
        let (bucket, credentials, http) = self.parts();
        let (mut part, mut size, mut tags) = (first, 0, Vec::new());
        while !part.is_empty() {
            let number = u16::try_from(tags.len() + 1)
                .map_err(|_| StoreError::Refused("too many parts".to_owned()))?;
            let url = bucket
                .upload_part(credentials, key.as_str(), number, upload)
                .sign(SIGNATURE_LIFETIME);
            let length = part.len() as u64;
            let request = http
                .put(url)
                .header(header::CONTENT_LENGTH, length)
                .body(part);
            let response = check_status(request.send().await).await?;
            let tag = response.headers().get(header::ETAG);
            let tag = tag
                .and_then(|tag| tag.to_str().ok())
                .ok_or_else(|| StoreError::Refused("part without an ETag".to_owned()))?;
            tags.push(tag.to_owned());
            size += length;
            part = read_part(source).await?;
        }
        let tags = tags.iter().map(String::as_str);
        let action = bucket.complete_multipart_upload(credentials, key.as_str(), upload, tags);
        let url = action.sign(SIGNATURE_LIFETIME);
        let response = check_status(http.post(url).body(action.body()).send().await).await?;
        // S3 may respond with 200 and report an error in the body.
        let text = response.text().await.map_err(network_error)?;
        if text.contains("<Error>") {
            return Err(StoreError::Refused(
                "the multipart upload could not be completed".to_owned(),
            ));
        }
        Ok(size)
    }

    async fn abort(&self, key: &Key, upload: &str) -> Result<()> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket
            .abort_multipart_upload(credentials, key.as_str(), upload)
            .sign(SIGNATURE_LIFETIME);
        check_status(http.delete(url).send().await).await.map(drop)
    }

    pub(crate) async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Chunks>> {
        let (bucket, credentials, http) = self.parts();
        let mut request = http.get(
            bucket
                .get_object(credentials, key.as_str())
                .sign(SIGNATURE_LIFETIME),
        );
        if let Some(range) = &range {
            if range.is_empty() {
                // An empty range cannot be expressed in HTTP.
                return self.empty(key).await;
            }
            let range = format!("bytes={}-{}", range.start, range.end - 1);
            request = request.header(header::RANGE, range);
        }
        let response = request.send().await.map_err(network_error)?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::RANGE_NOT_SATISFIABLE => self.empty(key).await,
            _ => {
                let response = check_status(Ok(response)).await?;
                let size = response.content_length().unwrap_or_default();
                Ok(Some(Chunks::http(response, size)))
            }
        }
    }

    /// An empty range of an object; `None` if it does not exist.
    async fn empty(&self, key: &Key) -> Result<Option<Chunks>> {
        let size = self.size(key).await?;
        Ok(size.map(|_| Chunks::empty()))
    }

    pub(crate) async fn size(&self, key: &Key) -> Result<Option<u64>> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket
            .head_object(credentials, key.as_str())
            .sign(SIGNATURE_LIFETIME);
        let response = http.head(url).send().await.map_err(network_error)?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = check_status(Ok(response)).await?;
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        length.map_or_else(
            || Err(StoreError::Refused("object without a size".to_owned())),
            |length| Ok(Some(length)),
        )
    }

    pub(crate) async fn delete(&self, key: &Key) -> Result<()> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket
            .delete_object(credentials, key.as_str())
            .sign(SIGNATURE_LIFETIME);
        let response = http.delete(url).send().await.map_err(network_error)?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        check_status(Ok(response)).await.map(drop)
    }

    pub(crate) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectSummary>> {
        let (bucket, credentials, http) = self.parts();
        let mut action = bucket.list_objects_v2(credentials);
        action.with_prefix(prefix);
        if let Some(after) = after {
            action.with_start_after(after);
        }
        let url = action.sign(SIGNATURE_LIFETIME);
        let response = check_status(http.get(url).send().await).await?;
        let text = response.text().await.map_err(network_error)?;
        let page = ListObjectsV2::parse_response(&text).map_err(invalid_response)?;
        let listed =
            |object: rusty_s3::actions::list_objects_v2::ListObjectsContent| ObjectSummary {
                key: object.key,
                size: object.size.unwrap_or_default(),
            };
        Ok(page.contents.into_iter().map(listed).collect())
    }

    #[expect(clippy::unused_async, reason = "same signature for every store")]
    pub(crate) async fn sign_get(
        &self,
        key: &Key,
        headers: &ResponseHeaders<'_>,
        lifetime: Duration,
    ) -> Result<Option<String>> {
        let (bucket, credentials, _) = self.parts();
        let mut action = bucket.get_object(credentials, key.as_str());
        let query = action.query_mut();
        query.insert("response-content-type", headers.content_type);
        query.insert("response-content-disposition", headers.disposition);
        Ok(Some(action.sign(lifetime).to_string()))
    }

    #[expect(clippy::unused_async, reason = "same signature for every store")]
    pub(crate) async fn sign_put(
        &self,
        key: &Key,
        size: u64,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>> {
        let (bucket, credentials, _) = self.parts();
        let mut action = bucket.put_object(credentials, key.as_str());
        // Part of the signature, so another length is rejected.
        action
            .headers_mut()
            .insert("content-length", size.to_string());
        Ok(Some(SignedPut {
            url: action.sign(lifetime).to_string(),
            // Clients send Content-Length automatically.
            headers: Vec::new(),
        }))
    }
}

/// Returns the response if successful, an error otherwise.
async fn check_status(response: reqwest::Result<Response>) -> Result<Response> {
    let response = response.map_err(network_error)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    // Only the code of the body, which contains no object names.
    let text = response.text().await.unwrap_or_default();
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map_or("", |(code, _)| code);
    Err(StoreError::Refused(format!("{status} {code}")))
}

/// A network error without the URL, which contains a signature.
fn network_error(error: reqwest::Error) -> StoreError {
    StoreError::Io(io::Error::other(error.without_url()))
}

fn invalid_response(error: impl std::fmt::Display) -> StoreError {
    StoreError::Refused(error.to_string())
}
