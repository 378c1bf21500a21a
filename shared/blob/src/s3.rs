//! A store that speaks S3: AWS, Hetzner, and what is compatible with them.

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
    source::{PART, fill},
};

/// How long the signature of a request that is sent at once is good.
const AT_ONCE: Duration = Duration::from_mins(15);
/// How long the store may keep silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the bucket is, and who we are to it.
#[derive(Clone)]
pub struct S3Settings {
    /// The store's address.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// Its region, as the store calls it.
    pub region: String,
    /// The access key's name.
    pub access_key: String,
    /// The access key's secret.
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
    /// This bucket, addressed by its path: every compatible store understands that.
    pub fn new(settings: S3Settings) -> Result<Self> {
        let wrong = |what: &dyn std::fmt::Display| StoreError::Settings(what.to_string());
        let endpoint: Url = settings.endpoint.parse().map_err(|e| wrong(&e))?;
        let bucket = Bucket::new(endpoint, UrlStyle::Path, settings.bucket, settings.region)
            .map_err(|e| wrong(&e))?;
        let http = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(PATIENCE)
            .build()
            .map_err(|e| wrong(&e))?;
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
        let first = fill(source).await?;
        if first.len() < PART {
            return self.put_at_once(key, first).await;
        }
        let upload = self.begin(key).await?;
        match self.put_parts(key, &upload, first, source).await {
            Ok(size) => Ok(size),
            Err(error) => {
                // Cut off, it is the bucket's rule for unfinished uploads that clears it away.
                if let Err(left) = self.abort(key, &upload).await {
                    tracing::warn!(%left, "an unfinished upload was left in the bucket");
                }
                Err(error)
            }
        }
    }

    async fn put_at_once(&self, key: &Key, bytes: Bytes) -> Result<u64> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket.put_object(credentials, key.as_str()).sign(AT_ONCE);
        let size = bytes.len() as u64;
        let request = http
            .put(url)
            .header(header::CONTENT_LENGTH, size)
            .body(bytes);
        sound(request.send().await).await?;
        Ok(size)
    }

    async fn begin(&self, key: &Key) -> Result<String> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket
            .create_multipart_upload(credentials, key.as_str())
            .sign(AT_ONCE);
        let begun = sound(
            http.post(url)
                .header(header::CONTENT_LENGTH, 0)
                .send()
                .await,
        )
        .await?;
        let text = begun.text().await.map_err(lost)?;
        let begun = CreateMultipartUpload::parse_response(&text).map_err(unread)?;
        Ok(begun.upload_id().to_owned())
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
                .sign(AT_ONCE);
            let length = part.len() as u64;
            let request = http
                .put(url)
                .header(header::CONTENT_LENGTH, length)
                .body(part);
            let answer = sound(request.send().await).await?;
            let tag = answer.headers().get(header::ETAG);
            let tag = tag
                .and_then(|tag| tag.to_str().ok())
                .ok_or_else(|| StoreError::Refused("a part without a tag".to_owned()))?;
            tags.push(tag.to_owned());
            size += length;
            part = fill(source).await?;
        }
        let tags = tags.iter().map(String::as_str);
        let action = bucket.complete_multipart_upload(credentials, key.as_str(), upload, tags);
        let url = action.sign(AT_ONCE);
        let answer = sound(http.post(url).body(action.body()).send().await).await?;
        // S3 may say 200 first and refuse in the body.
        let text = answer.text().await.map_err(lost)?;
        if text.contains("<Error>") {
            return Err(StoreError::Refused("the parts were not joined".to_owned()));
        }
        Ok(size)
    }

    async fn abort(&self, key: &Key, upload: &str) -> Result<()> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket
            .abort_multipart_upload(credentials, key.as_str(), upload)
            .sign(AT_ONCE);
        sound(http.delete(url).send().await).await.map(drop)
    }

    pub(crate) async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Chunks>> {
        let (bucket, credentials, http) = self.parts();
        let mut request = http.get(bucket.get_object(credentials, key.as_str()).sign(AT_ONCE));
        if let Some(range) = &range {
            if range.is_empty() {
                // HTTP has no word for it.
                return self.empty(key).await;
            }
            let range = format!("bytes={}-{}", range.start, range.end - 1);
            request = request.header(header::RANGE, range);
        }
        let response = request.send().await.map_err(lost)?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::RANGE_NOT_SATISFIABLE => self.empty(key).await,
            _ => {
                let response = sound(Ok(response)).await?;
                let size = response.content_length().unwrap_or_default();
                Ok(Some(Chunks::http(response, size)))
            }
        }
    }

    /// Nothing of an object that is there.
    async fn empty(&self, key: &Key) -> Result<Option<Chunks>> {
        let there = self.size(key).await?;
        Ok(there.map(|_| Chunks::nothing()))
    }

    pub(crate) async fn size(&self, key: &Key) -> Result<Option<u64>> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket.head_object(credentials, key.as_str()).sign(AT_ONCE);
        let response = http.head(url).send().await.map_err(lost)?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = sound(Ok(response)).await?;
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        length.map_or_else(
            || Err(StoreError::Refused("an object without a size".to_owned())),
            |length| Ok(Some(length)),
        )
    }

    pub(crate) async fn delete(&self, key: &Key) -> Result<()> {
        let (bucket, credentials, http) = self.parts();
        let url = bucket
            .delete_object(credentials, key.as_str())
            .sign(AT_ONCE);
        let response = http.delete(url).send().await.map_err(lost)?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        sound(Ok(response)).await.map(drop)
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
        let url = action.sign(AT_ONCE);
        let answer = sound(http.get(url).send().await).await?;
        let text = answer.text().await.map_err(lost)?;
        let page = ListObjectsV2::parse_response(&text).map_err(unread)?;
        let listed =
            |object: rusty_s3::actions::list_objects_v2::ListObjectsContent| ObjectSummary {
                key: object.key,
                size: object.size.unwrap_or_default(),
            };
        Ok(page.contents.into_iter().map(listed).collect())
    }

    #[expect(clippy::unused_async, reason = "alike in every store")]
    pub(crate) async fn sign_get(
        &self,
        key: &Key,
        presented: &ResponseHeaders<'_>,
        lifetime: Duration,
    ) -> Result<Option<String>> {
        let (bucket, credentials, _) = self.parts();
        let mut action = bucket.get_object(credentials, key.as_str());
        let query = action.query_mut();
        query.insert("response-content-type", presented.content_type);
        query.insert("response-content-disposition", presented.disposition);
        Ok(Some(action.sign(lifetime).to_string()))
    }

    #[expect(clippy::unused_async, reason = "alike in every store")]
    pub(crate) async fn sign_put(
        &self,
        key: &Key,
        size: u64,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>> {
        let (bucket, credentials, _) = self.parts();
        let mut action = bucket.put_object(credentials, key.as_str());
        // Signed with it: another length is another signature.
        action
            .headers_mut()
            .insert("content-length", size.to_string());
        Ok(Some(SignedPut {
            url: action.sign(lifetime).to_string(),
            // Every client sends its length by itself.
            headers: Vec::new(),
        }))
    }
}

/// The answer, if it is one of success.
async fn sound(answer: reqwest::Result<Response>) -> Result<Response> {
    let answer = answer.map_err(lost)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    // Of the body only the code, which names nothing of ours.
    let text = answer.text().await.unwrap_or_default();
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map_or("", |(code, _)| code);
    Err(StoreError::Refused(format!("{status} {code}")))
}

/// Without the address, which is signed.
fn lost(error: reqwest::Error) -> StoreError {
    StoreError::Io(io::Error::other(error.without_url()))
}

fn unread(error: impl std::fmt::Display) -> StoreError {
    StoreError::Refused(error.to_string())
}
