//! Rotation of signing keys: next, current, retired.
//!
//! A key is published long before it signs, so that clients with a cached key set know it, and until the last token that it signed
//! has expired.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use web::Problem;

use crate::{
    App,
    store::signing_keys::{self, KeyState, KeyStatus},
};

/// The result of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Rotation {
    /// Whether the next key became current.
    pub(crate) rotated: bool,
    /// Whether a new key was published.
    pub(crate) published: bool,
    /// Number of deleted retired keys.
    pub(crate) removed: u64,
}

/// The steps of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    /// No current key exists yet: create one.
    start: bool,
    /// Promote the next key and retire the current one.
    rotate: bool,
    /// No next key exists after that: create one.
    publish: bool,
}

fn plan(keys: &[KeyState], now: DateTime<Utc>, lifetime: TimeDelta, lead: TimeDelta) -> Plan {
    let since = |status| {
        keys.iter()
            .find(|key| key.status == status)
            .map(|key| key.since)
    };
    let current = since(KeyStatus::Current);
    let next = since(KeyStatus::Next);
    let is_due = current.is_some_and(|since| now - since >= lifetime);
    let is_known = next.is_some_and(|since| now - since >= lead);
    let rotate = is_due && is_known;
    Plan {
        start: current.is_none(),
        rotate,
        publish: next.is_none() || rotate,
    }
}

impl App {
    /// Rotates the keys if necessary. Only one of several concurrent runs does so; the others return without waiting.
    pub(crate) async fn rotate_signing_keys(&self) -> Result<Rotation, Problem> {
        let now = self.state.clock().now();
        let mut tx = self.db.begin_unscoped().await?;
        if !signing_keys::try_lock_keys(&mut tx).await? {
            return Ok(Rotation::default());
        }
        let keys = signing_keys::list_key_states(&mut tx).await?;
        let settings = &self.settings;
        let plan = plan(
            &keys,
            now,
            settings.signing_key_lifetime,
            settings.signing_key_lead,
        );
        if plan.start {
            let (key, public_key) = self.generate()?;
            signing_keys::insert_key(&mut tx, &key, &public_key, KeyStatus::Current, now).await?;
        }
        if plan.rotate {
            signing_keys::retire_current_key(&mut tx, now).await?;
            signing_keys::promote_next_key(&mut tx, now).await?;
        }
        if plan.publish {
            let (key, public_key) = self.generate()?;
            signing_keys::insert_key(&mut tx, &key, &public_key, KeyStatus::Next, now).await?;
        }
        let removed = signing_keys::delete_retired_keys(&mut tx, now).await?;
        tx.commit().await?;
        self.signer.lock().await.take();
        self.state.authenticator().invalidate_signing_keys().await;
        Ok(Rotation {
            rotated: plan.rotate,
            published: plan.publish,
            removed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(current_days: i64, next_minutes: Option<i64>) -> (bool, bool) {
        let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let mut keys = vec![KeyState {
            status: KeyStatus::Current,
            since: now - TimeDelta::days(current_days),
        }];
        keys.extend(next_minutes.map(|minutes| KeyState {
            status: KeyStatus::Next,
            since: now - TimeDelta::minutes(minutes),
        }));
        let plan = plan(&keys, now, TimeDelta::days(30), TimeDelta::hours(1));
        assert!(!plan.start);
        (plan.rotate, plan.publish)
    }

    #[test]
    fn a_missing_current_key_is_created_at_once() {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let plan = plan(&[], now, TimeDelta::days(30), TimeDelta::hours(1));
        assert!(plan.start && plan.publish && !plan.rotate);
    }

    #[test]
    fn a_key_signs_only_after_its_lead_time() {
        assert_eq!(decide(0, None), (false, true));
        assert_eq!(decide(29, Some(60 * 24)), (false, false));
        assert_eq!(decide(30, None), (false, true));
        assert_eq!(decide(300, Some(59)), (false, false));
        assert_eq!(decide(30, Some(60)), (true, true));
    }
}
