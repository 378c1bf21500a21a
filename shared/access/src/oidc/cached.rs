//! A cached value of an issuer.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::OidcError;

/// How long a value is fresh.
const TTL: TimeDelta = TimeDelta::hours(1);
/// Minimum time between two fetches, successful or not, so that clients cannot make us flood an issuer.
const MIN_FETCH_INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// A value with its fetch time. Concurrent callers wait for the same fetch.
pub(super) struct Cached<T>(Mutex<Slot<T>>);

struct Slot<T> {
    value: Option<(DateTime<Utc>, Arc<T>)>,
    attempted_at: Option<DateTime<Utc>>,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Mutex::new(Slot {
            value: None,
            attempted_at: None,
        }))
    }
}

impl<T> Cached<T> {
    /// The value; fetched if there is none, it is stale, or it is not `sufficient` and the last attempt is long enough ago.
    pub(super) async fn get(
        &self,
        now: DateTime<Utc>,
        sufficient: impl FnOnce(&T) -> bool,
        load: impl Future<Output = Result<T, OidcError>>,
    ) -> Result<Arc<T>, OidcError> {
        let mut slot = self.0.lock().await;
        let fresh = slot
            .value
            .as_ref()
            .filter(|(at, _)| now - *at < TTL)
            .map(|(_, value)| value.clone());
        let paused = slot
            .attempted_at
            .is_some_and(|tried| now - tried < MIN_FETCH_INTERVAL);
        match fresh {
            Some(value) if paused || sufficient(&value) => Ok(value),
            None if paused => Err(OidcError::Unavailable(
                "the last attempt failed a moment ago".to_owned(),
            )),
            _ => {
                slot.attempted_at = Some(now);
                let value = Arc::new(load.await?);
                slot.value = Some((now, value.clone()));
                Ok(value)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn an_issuer_is_rarely_queried() {
        let asked = AtomicU32::new(0);
        let load = || async { Ok(asked.fetch_add(1, Ordering::SeqCst)) };
        let cached = Cached::default();
        let start: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let at = |seconds| start + TimeDelta::seconds(seconds);
        assert_eq!(*cached.get(at(0), |_| true, load()).await.unwrap(), 0);
        assert_eq!(*cached.get(at(9), |_| false, load()).await.unwrap(), 0);
        assert_eq!(*cached.get(at(3_599), |_| true, load()).await.unwrap(), 0);
        assert_eq!(*cached.get(at(10), |_| false, load()).await.unwrap(), 1);
        assert_eq!(*cached.get(at(3_610), |_| true, load()).await.unwrap(), 2);
        let failing: Cached<u32> = Cached::default();
        for _ in 0..3 {
            let load = async {
                asked.fetch_add(1, Ordering::SeqCst);
                Err(OidcError::Refused("no"))
            };
            assert!(failing.get(at(0), |_| true, load).await.is_err());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 4);
    }
}
