//! Google Cloud Storage, with Google's own client.

mod channel_source;
mod clients;
mod json_api;
mod signed_url;

use std::{future::Future, io, ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use google_cloud_storage::{
    Error,
    builder::storage::WriteObject,
    model::Object,
    model_ext::ReadRange,
    streaming_source::{Payload, StreamingSource},
};
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::{OnceCell, mpsc};
use url::Url;

use self::{
    channel_source::ChannelSource,
    clients::{Clients, Emulator},
    signed_url::UrlToSign,
};
use crate::{
    Chunks, Key, ObjectSummary, ResponseHeaders, Result, SignedPut, Source, StoreError,
    source::{GCS_TIMEOUT, PART_SIZE, read_part},
};

const GOOGLE_ENDPOINT: &str = "https://storage.googleapis.com";

/// Page size of listings: Google's maximum.
const PAGE_SIZE: u32 = 1_000;
/// Enforces the length of an upload. `Content-Length` does not: Google does not check it against the signature.
const LENGTH_RANGE: &str = "x-goog-content-length-range";

/// A Google Cloud Storage bucket.
#[derive(Clone)]
pub struct Gcs(Arc<Inner>);

struct Inner {
    bucket: String,
    emulator: Option<Emulator>,
    /// Created with the first request, so that printing the settings does not connect.
    clients: OnceCell<Clients>,
}

impl std::fmt::Debug for Gcs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gcs({})", self.0.bucket)
    }
}

impl Gcs {
    /// Opens a bucket as the service account of this process. Without a private key (on Cloud Run), URLs are signed by Google,
    /// which requires the permission to sign as this account.
    pub fn new(bucket: &str) -> Self {
        Self::build(bucket, None)
    }

    /// Opens a bucket of an emulator at this endpoint with this service account key, for tests.
    pub fn emulator(endpoint: &str, bucket: &str, account: Value) -> Self {
        let endpoint = endpoint.to_owned();
        Self::build(bucket, Some(Emulator { endpoint, account }))
    }

    fn build(bucket: &str, emulator: Option<Emulator>) -> Self {
        Self(Arc::new(Inner {
            bucket: bucket.to_owned(),
            emulator,
            clients: OnceCell::new(),
        }))
    }

    /// The bucket's resource name.
    fn path(&self) -> String {
        format!("projects/_/buckets/{}", self.0.bucket)
    }

    fn endpoint(&self) -> &str {
        let emulator = self.0.emulator.as_ref();
        emulator.map_or(GOOGLE_ENDPOINT, |emulator| &emulator.endpoint)
    }

    async fn clients(&self) -> Result<&Clients> {
        let connect = || with_timeout(Box::pin(Clients::connect(self.0.emulator.as_ref())));
        self.0.clients.get_or_try_init(connect).await
    }

    pub(crate) async fn put(&self, key: &Key, source: &mut impl Source) -> Result<u64> {
        let first = read_part(source).await?;
        if first.len() < PART_SIZE {
            let size = first.len() as u64;
            let write = self.write(key, Payload::from(first)).await?;
            let writing = Box::pin(write.send_buffered());
            with_timeout(async { writing.await.map_err(failed) }).await?;
            return Ok(size);
        }
        self.put_streaming(key, first, source).await
    }

    /// The writer must own its source, but `source` is borrowed, so chunks are passed through a channel.
    async fn put_streaming(
        &self,
        key: &Key,
        first: Bytes,
        source: &mut impl Source,
    ) -> Result<u64> {
        let (sender, receiver) = mpsc::channel(1);
        let write = self.write(key, Payload::from_stream(ChannelSource::new(receiver)));
        let mut writing = Box::pin(write.await?.send_buffered());
        let sending = async {
            let (mut chunk, mut size) = (first, 0);
            loop {
                size += chunk.len() as u64;
                let sent = tokio::time::timeout(GCS_TIMEOUT, sender.send(Some(chunk))).await;
                if sent.map_err(io::Error::from)?.is_err() {
                    // The writer has stopped; its own result says why.
                    return std::future::pending().await;
                }
                match source.next().await.map_err(StoreError::Source)? {
                    Some(next) => chunk = next,
                    None => return Ok::<u64, StoreError>(size),
                }
            }
        };
        // If the source fails, the upload is left incomplete: it is never listed, and Google deletes it within a week.
        let size = tokio::select! {
            sent = sending => sent?,
            written = &mut writing => {
                let early = |_| StoreError::Refused("the upload ended prematurely".to_owned());
                return Err(written.map_or_else(failed, early));
            }
        };
        // The end is sent explicitly, so that a dropped sender does not create an object.
        let written = with_timeout(async {
            let (written, _) = tokio::join!(writing, sender.send(None));
            written.map_err(failed)
        });
        let object: Object = written.await?;
        if u64::try_from(object.size) == Ok(size) {
            Ok(size)
        } else {
            Err(StoreError::Refused("object of unexpected size".to_owned()))
        }
    }

    async fn write<P>(&self, key: &Key, payload: Payload<P>) -> Result<WriteObject<Payload<P>>>
    where
        P: StreamingSource + Send + Sync + 'static,
    {
        let objects = &self.clients().await?.objects;
        Ok(objects
            .write_object(self.path(), key.as_str(), payload)
            // Repeating the upload creates the same object.
            .with_idempotency(true)
            .with_resumable_upload_buffer_size(PART_SIZE))
    }

    pub(crate) async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Chunks>> {
        if range.as_ref().is_some_and(Range::is_empty) {
            // An empty range cannot be expressed in HTTP.
            return self.empty(key).await;
        }
        let objects = &self.clients().await?.objects;
        let mut read = objects.read_object(self.path(), key.as_str());
        if let Some(range) = &range {
            let part = ReadRange::segment(range.start, range.end - range.start);
            read = read.set_read_range(part);
        }
        let reading = Box::pin(read.send());
        match with_timeout(async { Ok(reading.await) }).await? {
            Ok(response) => {
                let total = size_of(response.object().size)?;
                let Range { start, end } = range.unwrap_or(0..total);
                let size = end.min(total).saturating_sub(start);
                Ok(Some(Chunks::google(response, size)))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) if is_beyond(&error) => self.empty(key).await,
            Err(error) => Err(failed(error)),
        }
    }

    /// An empty range of an object; `None` if it does not exist.
    async fn empty(&self, key: &Key) -> Result<Option<Chunks>> {
        Ok(self.size(key).await?.map(|_| Chunks::empty()))
    }

    pub(crate) async fn size(&self, key: &Key) -> Result<Option<u64>> {
        let url = format!("{}?fields=size", self.url(Some(key)));
        let found = self.send(&Method::GET, &url).await?;
        found
            .map(|object| parse_size(&parse_json(&object)?["size"]))
            .transpose()
    }

    pub(crate) async fn delete(&self, key: &Key) -> Result<()> {
        let url = self.url(Some(key));
        self.send(&Method::DELETE, &url).await.map(drop)
    }

    pub(crate) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectSummary>> {
        let mut url =
            Url::parse(&self.url(None)).map_err(|error| StoreError::Settings(error.to_string()))?;
        url.query_pairs_mut()
            .append_pair("fields", "nextPageToken,items(name,size)")
            .append_pair("maxResults", &PAGE_SIZE.to_string())
            .append_pair("prefix", prefix);
        if let Some(after) = after.filter(|after| !after.is_empty()) {
            // Google's offset is inclusive, ours is exclusive. No key sorts between a key and the same key with a hyphen, which
            // is the smallest character of a key.
            let from = format!("{after}-");
            url.query_pairs_mut().append_pair("startOffset", &from);
        }
        let mut token = String::new();
        loop {
            let mut url = url.clone();
            if !token.is_empty() {
                url.query_pairs_mut().append_pair("pageToken", &token);
            }
            let missing = || StoreError::Refused("the bucket does not exist".to_owned());
            let page = self.send(&Method::GET, url.as_str()).await?;
            let page = parse_json(&page.ok_or_else(missing)?)?;
            let next = page["nextPageToken"].as_str();
            next.unwrap_or_default().clone_into(&mut token);
            let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
            // A page may be empty even if others follow.
            if items.is_empty() && !token.is_empty() {
                continue;
            }
            let listed = |item: &Value| {
                let key = item["name"].as_str().unwrap_or_default().to_owned();
                let size = parse_size(&item["size"])?;
                Ok(ObjectSummary { key, size })
            };
            return items.iter().map(listed).collect();
        }
    }

    /// The JSON API URL of an object, or of all objects.
    fn url(&self, key: Option<&Key>) -> String {
        let (endpoint, bucket) = (self.endpoint(), &self.0.bucket);
        let all = format!("{endpoint}/storage/v1/b/{bucket}/o");
        // Only the slashes of a key need to be encoded.
        key.map_or(all.clone(), |key| {
            format!("{all}/{}", key.as_str().replace('/', "%2F"))
        })
    }

    async fn send(&self, method: &Method, url: &str) -> Result<Option<Bytes>> {
        with_timeout(self.clients().await?.send(method, url)).await
    }

    pub(crate) async fn sign_get(
        &self,
        key: &Key,
        headers: &ResponseHeaders<'_>,
        lifetime: Duration,
    ) -> Result<Option<String>> {
        let query = vec![
            ("response-content-disposition", headers.disposition),
            ("response-content-type", headers.content_type),
        ];
        let url = UrlToSign {
            endpoint: self.endpoint(),
            path: format!("/{}/{key}", self.0.bucket),
            method: Method::GET,
            lifetime,
            headers: Vec::new(),
            query,
        };
        self.sign(&url).await.map(Some)
    }

    pub(crate) async fn sign_put(
        &self,
        key: &Key,
        size: u64,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>> {
        let url = UrlToSign {
            endpoint: self.endpoint(),
            path: format!("/{}/{key}", self.0.bucket),
            method: Method::PUT,
            lifetime,
            headers: vec![(LENGTH_RANGE, format!("{size},{size}"))],
            query: Vec::new(),
        };
        Ok(Some(SignedPut {
            url: self.sign(&url).await?,
            headers: url.headers,
        }))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "signed URLs are valid relative to the store's clock, not the platform's"
    )]
    async fn sign(&self, url: &UrlToSign<'_>) -> Result<String> {
        let signer = &self.clients().await?.signer;
        let signing = url.sign(signer, chrono::Utc::now());
        with_timeout(async {
            signing
                .await
                .map_err(|e| StoreError::Refused(e.to_string()))
        })
        .await
    }
}

/// Applies the timeout. Callers box the futures of Google's client, which are tens of kilobytes in size.
async fn with_timeout<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let done = tokio::time::timeout(GCS_TIMEOUT, work).await;
    done.map_err(io::Error::from)?
}

fn is_missing(error: &Error) -> bool {
    error.http_status_code() == Some(StatusCode::NOT_FOUND.as_u16())
}

/// Whether the range starts beyond the end of the object.
fn is_beyond(error: &Error) -> bool {
    error.http_status_code() == Some(StatusCode::RANGE_NOT_SATISFIABLE.as_u16())
}

fn failed(error: Error) -> StoreError {
    if error.http_status_code().is_some() || error.status().is_some() {
        StoreError::Refused(error.to_string())
    } else {
        StoreError::Io(io::Error::other(error))
    }
}

fn size_of(size: i64) -> Result<u64> {
    u64::try_from(size).map_err(|_| StoreError::Refused("object of negative size".to_owned()))
}

fn parse_json(response: &Bytes) -> Result<Value> {
    serde_json::from_slice(response).map_err(|error| StoreError::Refused(error.to_string()))
}

/// Parses a size. Google encodes 64-bit numbers as strings.
fn parse_size(size: &Value) -> Result<u64> {
    let size = size.as_str().and_then(|size| size.parse().ok());
    size.ok_or_else(|| StoreError::Refused("object without a size".to_owned()))
}
