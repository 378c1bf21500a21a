//! Settings that differ from what is inherited, as JSON by key.
//!
//! Only the differences are stored, so that a better default reaches every tenant that never chose.

use serde_json::{Map, Value};

use crate::domain::settings::{DEFAULT_LOCALE, LOCALE, Settings};

/// The settings that a tenant, or the platform, has set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Overrides(Map<String, Value>);

impl Overrides {
    /// The stored rows plus the locale, which is a column of the tenant.
    pub(crate) fn of(mut stored: Map<String, Value>, locale: &str) -> Self {
        if locale != DEFAULT_LOCALE {
            stored.insert(LOCALE.to_owned(), locale.into());
        }
        Self(stored)
    }

    /// The settings in force. Each value of a group comes from the tenant, else from the platform, else from the defaults.
    pub(crate) fn in_force(
        &self,
        platform: &Map<String, Value>,
    ) -> Result<Settings, serde_json::Error> {
        let mut all = platform.clone();
        merge(&mut all, self.0.clone());
        serde_json::from_value(Value::Object(all))
    }

    /// Applies a merge patch (RFC 7396); `null` restores what is inherited.
    pub(crate) fn apply(&mut self, patch: Map<String, Value>) {
        merge(&mut self.0, patch);
    }

    /// The keys that are set.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The keys under which `self` and `other` differ.
    pub(crate) fn changed_keys(&self, other: &Self) -> Vec<String> {
        let mut keys: Vec<String> = self
            .0
            .keys()
            .chain(other.0.keys())
            .filter(|key| self.0.get(*key) != other.0.get(*key))
            .cloned()
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }
}

/// Settings as they are stored in `access.tenants`: complete.
pub(crate) fn settings_json(settings: &Settings) -> Value {
    serde_json::to_value(settings).unwrap_or_default()
}

fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.remove(&key);
            }
            Value::Object(patch) => {
                let mut nested = match target.remove(&key) {
                    Some(Value::Object(present)) => present,
                    _ => Map::new(),
                };
                merge(&mut nested, patch);
                if !nested.is_empty() {
                    target.insert(key, Value::Object(nested));
                }
            }
            other => {
                target.insert(key, other);
            }
        }
    }
}
