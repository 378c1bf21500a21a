//! Google Cloud Storage: bytes go and come by Google's own client.

mod address;
mod ask;
mod clients;
mod handed;

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
    address::Address,
    clients::{Clients, StandIn},
    handed::Handed,
};
use crate::{
    Chunks, Key, ObjectSummary, ResponseHeaders, Result, SignedPut, Source, StoreError,
    source::{PART, fill},
};

const GOOGLE: &str = "https://storage.googleapis.com";
/// How long the store may keep silent, over all attempts that its client makes meanwhile.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Objects on a page of a list: as many as Google gives at the most.
const PAGE: u32 = 1_000;
/// What holds an upload to its length. `Content-Length` would not: Google doesn't hold a request to what was signed of it.
const LENGTH_RANGE: &str = "x-goog-content-length-range";

/// A bucket at Google.
#[derive(Clone)]
pub struct Gcs(Arc<Inner>);

struct Inner {
    bucket: String,
    stand_in: Option<StandIn>,
    /// Made with the first request: whoever only prints its settings connects to nobody.
    clients: OnceCell<Clients>,
}

impl std::fmt::Debug for Gcs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gcs({})", self.0.bucket)
    }
}

impl Gcs {
    /// This bucket, as the service account of this process. Where that has no key of its own (on Cloud Run), Google signs
    /// addresses for it, and wants it to be allowed to sign as itself.
    pub fn new(bucket: &str) -> Self {
        Self::made(bucket, None)
    }

    /// The same at somebody who stands in for Google at this address, by this key of a service account: in tests.
    pub fn at(endpoint: &str, bucket: &str, account: Value) -> Self {
        let endpoint = endpoint.to_owned();
        Self::made(bucket, Some(StandIn { endpoint, account }))
    }

    fn made(bucket: &str, stand_in: Option<StandIn>) -> Self {
        Self(Arc::new(Inner {
            bucket: bucket.to_owned(),
            stand_in,
            clients: OnceCell::new(),
        }))
    }

    /// The bucket, as Google's client wants to hear it.
    fn path(&self) -> String {
        format!("projects/_/buckets/{}", self.0.bucket)
    }

    fn endpoint(&self) -> &str {
        let stand_in = self.0.stand_in.as_ref();
        stand_in.map_or(GOOGLE, |stand_in| &stand_in.endpoint)
    }

    async fn clients(&self) -> Result<&Clients> {
        let connect = || within(Box::pin(Clients::connect(self.0.stand_in.as_ref())));
        self.0.clients.get_or_try_init(connect).await
    }

    pub(crate) async fn put(&self, key: &Key, source: &mut impl Source) -> Result<u64> {
        let first = fill(source).await?;
        if first.len() < PART {
            let size = first.len() as u64;
            let write = self.write(key, Payload::from(first)).await?;
            let writing = Box::pin(write.send_buffered());
            within(async { writing.await.map_err(failed) }).await?;
            return Ok(size);
        }
        self.put_streaming(key, first, source).await
    }

    /// The writer wants to own what it writes, the source is only lent: so chunks are handed over one by one.
    async fn put_streaming(
        &self,
        key: &Key,
        first: Bytes,
        source: &mut impl Source,
    ) -> Result<u64> {
        let (hand, taken) = mpsc::channel(1);
        let write = self.write(key, Payload::from_stream(Handed::new(taken)));
        let mut writing = Box::pin(write.await?.send_buffered());
        let handing = async {
            let (mut chunk, mut size) = (first, 0);
            loop {
                size += chunk.len() as u64;
                let handed = tokio::time::timeout(PATIENCE, hand.send(Some(chunk))).await;
                if handed.map_err(io::Error::from)?.is_err() {
                    // Nobody takes any more: the writer's own answer says why.
                    return std::future::pending().await;
                }
                match source.next().await.map_err(StoreError::Source)? {
                    Some(next) => chunk = next,
                    None => return Ok::<u64, StoreError>(size),
                }
            }
        };
        // After a source that fails nothing is ended: no list shows what has come, and Google drops it within a week.
        let size = tokio::select! {
            handed = handing => handed?,
            written = &mut writing => {
                let early = |_| StoreError::Refused("an object before its end".to_owned());
                return Err(written.map_or_else(failed, early));
            }
        };
        // The end is said: somebody who is merely gone leaves no object.
        let written = within(async {
            let (written, _) = tokio::join!(writing, hand.send(None));
            written.map_err(failed)
        });
        let object: Object = written.await?;
        if u64::try_from(object.size) == Ok(size) {
            Ok(size)
        } else {
            Err(StoreError::Refused("an object of another size".to_owned()))
        }
    }

    async fn write<P>(&self, key: &Key, payload: Payload<P>) -> Result<WriteObject<Payload<P>>>
    where
        P: StreamingSource + Send + Sync + 'static,
    {
        let objects = &self.clients().await?.objects;
        Ok(objects
            .write_object(self.path(), key.as_str(), payload)
            // The same bytes once more are the same object.
            .with_idempotency(true)
            .with_resumable_upload_buffer_size(PART))
    }

    pub(crate) async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Chunks>> {
        if range.as_ref().is_some_and(Range::is_empty) {
            // HTTP has no word for it.
            return self.empty(key).await;
        }
        let objects = &self.clients().await?.objects;
        let mut read = objects.read_object(self.path(), key.as_str());
        if let Some(range) = &range {
            let part = ReadRange::segment(range.start, range.end - range.start);
            read = read.set_read_range(part);
        }
        let reading = Box::pin(read.send());
        match within(async { Ok(reading.await) }).await? {
            Ok(response) => {
                let whole = size_of(response.object().size)?;
                let Range { start, end } = range.unwrap_or(0..whole);
                let size = end.min(whole).saturating_sub(start);
                Ok(Some(Chunks::google(response, size)))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) if is_beyond(&error) => self.empty(key).await,
            Err(error) => Err(failed(error)),
        }
    }

    /// Nothing of an object that is there.
    async fn empty(&self, key: &Key) -> Result<Option<Chunks>> {
        Ok(self.size(key).await?.map(|_| Chunks::nothing()))
    }

    pub(crate) async fn size(&self, key: &Key) -> Result<Option<u64>> {
        let url = format!("{}?fields=size", self.url(Some(key)));
        let found = self.ask(&Method::GET, &url).await?;
        found
            .map(|object| counted(&read(&object)?["size"]))
            .transpose()
    }

    pub(crate) async fn delete(&self, key: &Key) -> Result<()> {
        let url = self.url(Some(key));
        self.ask(&Method::DELETE, &url).await.map(drop)
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
            .append_pair("maxResults", &PAGE.to_string())
            .append_pair("prefix", prefix);
        if let Some(after) = after.filter(|after| !after.is_empty()) {
            // Google begins with what it is told, we behind it. No key comes between one and the same with a hyphen, which is
            // the least of a key's characters.
            let from = format!("{after}-");
            url.query_pairs_mut().append_pair("startOffset", &from);
        }
        let mut token = String::new();
        loop {
            let mut url = url.clone();
            if !token.is_empty() {
                url.query_pairs_mut().append_pair("pageToken", &token);
            }
            let missing = || StoreError::Refused("there is no such bucket".to_owned());
            let page = self.ask(&Method::GET, url.as_str()).await?;
            let page = read(&page.ok_or_else(missing)?)?;
            let next = page["nextPageToken"].as_str();
            next.unwrap_or_default().clone_into(&mut token);
            let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
            // A page may be empty although others follow.
            if items.is_empty() && !token.is_empty() {
                continue;
            }
            let listed = |item: &Value| {
                let key = item["name"].as_str().unwrap_or_default().to_owned();
                let size = counted(&item["size"])?;
                Ok(ObjectSummary { key, size })
            };
            return items.iter().map(listed).collect();
        }
    }

    /// The JSON interface's address of an object, or of all.
    fn url(&self, key: Option<&Key>) -> String {
        let (endpoint, bucket) = (self.endpoint(), &self.0.bucket);
        let all = format!("{endpoint}/storage/v1/b/{bucket}/o");
        // Of a key nothing but its slashes needs to be encoded.
        key.map_or(all.clone(), |key| {
            format!("{all}/{}", key.as_str().replace('/', "%2F"))
        })
    }

    async fn ask(&self, method: &Method, url: &str) -> Result<Option<Bytes>> {
        within(self.clients().await?.ask(method, url)).await
    }

    pub(crate) async fn sign_get(
        &self,
        key: &Key,
        presented: &ResponseHeaders<'_>,
        lifetime: Duration,
    ) -> Result<Option<String>> {
        let query = vec![
            ("response-content-disposition", presented.disposition),
            ("response-content-type", presented.content_type),
        ];
        let address = Address {
            endpoint: self.endpoint(),
            path: format!("/{}/{key}", self.0.bucket),
            method: Method::GET,
            lifetime,
            headers: Vec::new(),
            query,
        };
        self.sign(&address).await.map(Some)
    }

    pub(crate) async fn sign_put(
        &self,
        key: &Key,
        size: u64,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>> {
        let address = Address {
            endpoint: self.endpoint(),
            path: format!("/{}/{key}", self.0.bucket),
            method: Method::PUT,
            lifetime,
            headers: vec![(LENGTH_RANGE, format!("{size},{size}"))],
            query: Vec::new(),
        };
        Ok(Some(SignedPut {
            url: self.sign(&address).await?,
            headers: address.headers,
        }))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an address is good from now on by the store's clock, whatever time it is for us"
    )]
    async fn sign(&self, address: &Address<'_>) -> Result<String> {
        let signer = &self.clients().await?.signer;
        let signing = address.sign(signer, chrono::Utc::now());
        within(async {
            signing
                .await
                .map_err(|e| StoreError::Refused(e.to_string()))
        })
        .await
    }
}

/// No longer than we have patience. What Google's client does is boxed by whoever calls: its futures are tens of kilobytes.
async fn within<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.map_err(io::Error::from)?
}

fn is_missing(error: &Error) -> bool {
    error.http_status_code() == Some(StatusCode::NOT_FOUND.as_u16())
}

/// The range begins behind the end.
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

fn size_of(told: i64) -> Result<u64> {
    u64::try_from(told).map_err(|_| StoreError::Refused("an object of negative size".to_owned()))
}

fn read(answer: &Bytes) -> Result<Value> {
    serde_json::from_slice(answer).map_err(|error| StoreError::Refused(error.to_string()))
}

/// Google writes sizes as texts: they are longer than JavaScript's numbers.
fn counted(size: &Value) -> Result<u64> {
    let size = size.as_str().and_then(|size| size.parse().ok());
    size.ok_or_else(|| StoreError::Refused("an object without a size".to_owned()))
}
