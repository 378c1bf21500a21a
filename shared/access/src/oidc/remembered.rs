//! What an issuer publishes, asked for rarely.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::OidcError;

/// How long an answer counts.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// How long nobody asks again after a try, whatever came of it: strangers can't make us flood an issuer.
const PAUSE: TimeDelta = TimeDelta::seconds(10);

/// A value with the time of its fetching. Everybody who needs a new one waits for the same fetch.
pub(super) struct Remembered<T>(Mutex<Slot<T>>);

struct Slot<T> {
    value: Option<(DateTime<Utc>, Arc<T>)>,
    tried_at: Option<DateTime<Utc>>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::new(Slot {
            value: None,
            tried_at: None,
        }))
    }
}

impl<T> Remembered<T> {
    /// The value; loaded when there is none, it is too old, or it is not `enough` and the last try was some time ago.
    pub(super) async fn get(
        &self,
        now: DateTime<Utc>,
        enough: impl FnOnce(&T) -> bool,
        load: impl Future<Output = Result<T, OidcError>>,
    ) -> Result<Arc<T>, OidcError> {
        let mut slot = self.0.lock().await;
        let fresh = slot
            .value
            .as_ref()
            .filter(|(at, _)| now - *at < FRESH)
            .map(|(_, value)| value.clone());
        let paused = slot.tried_at.is_some_and(|tried| now - tried < PAUSE);
        match fresh {
            Some(value) if paused || enough(&value) => Ok(value),
            None if paused => Err(OidcError::Unavailable(
                "the last try failed a moment ago".to_owned(),
            )),
            _ => {
                slot.tried_at = Some(now);
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
    async fn an_issuer_is_asked_rarely() {
        let asked = AtomicU32::new(0);
        let load = || async { Ok(asked.fetch_add(1, Ordering::SeqCst)) };
        let remembered = Remembered::default();
        let began: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let at = |seconds| began + TimeDelta::seconds(seconds);
        assert_eq!(*remembered.get(at(0), |_| true, load()).await.unwrap(), 0);
        assert_eq!(*remembered.get(at(9), |_| false, load()).await.unwrap(), 0);
        assert_eq!(
            *remembered.get(at(3_599), |_| true, load()).await.unwrap(),
            0
        );
        assert_eq!(*remembered.get(at(10), |_| false, load()).await.unwrap(), 1);
        assert_eq!(
            *remembered.get(at(3_610), |_| true, load()).await.unwrap(),
            2
        );
        let failing: Remembered<u32> = Remembered::default();
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
