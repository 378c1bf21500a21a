//! Settings that differ from what is inherited, as JSON by key, and the settings in force.
//!
//! Only the differences are stored, so that a better default reaches every tenant that never chose.

use access::{
    declarations::{SettingRule, SettingType, TextFormat, registry},
    mask,
};
use serde_json::{Map, Value};

use crate::{
    declarations::{DEFAULT_LOCALE, LOCALE},
    domain::settings,
};

/// The settings that a tenant, or the platform, has set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Overrides(Map<String, Value>);

/// All settings, as they are returned, and stored in `access.tenants`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings(Value);

impl Overrides {
    /// The stored rows plus the locale, which is a column of the tenant.
    pub(crate) fn of(mut stored: Map<String, Value>, locale: &str) -> Self {
        if locale != DEFAULT_LOCALE {
            stored.insert(LOCALE.path().to_owned(), locale.into());
        }
        Self(stored)
    }

    /// The settings in force. Each value comes from the tenant, else from the platform, else from its declaration. Stored
    /// values that no longer have the declared type are left out.
    pub(crate) fn in_force(&self, platform: &Map<String, Value>) -> Settings {
        let mut all = Value::Object(Map::new());
        for setting in &registry().settings {
            let stored =
                |level| find(level, setting.path).filter(|value| setting.r#type.fits(value));
            let value = stored(&self.0)
                .or_else(|| stored(platform))
                .cloned()
                .unwrap_or_else(|| setting.r#type.default_value());
            insert(&mut all, setting.path, value);
        }
        Settings(all)
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

impl Settings {
    /// The value of a setting.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        self.0.pointer(&settings::pointer(path))
    }

    /// The locale.
    pub(crate) fn locale(&self) -> &str {
        self.get(LOCALE.path())
            .and_then(Value::as_str)
            .unwrap_or(DEFAULT_LOCALE)
    }

    /// The items of a list.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let items = self.get(path).and_then(Value::as_array);
        let items = items.into_iter().flatten().filter_map(Value::as_str);
        items.map(str::to_owned).collect()
    }

    /// The rules between settings that are violated.
    pub(crate) fn violations(&self) -> Vec<&'static SettingRule> {
        let number = |path| self.get(path).and_then(Value::as_i64);
        let is_violated = |rule: &&SettingRule| number(rule.lower) > number(rule.upper);
        registry().rules.iter().filter(is_violated).collect()
    }

    /// The value of a key for the audit log, with email addresses masked.
    pub(crate) fn audit_value(&self, key: &str) -> Value {
        let mut masked = self.0.clone();
        for setting in &registry().settings {
            if let SettingType::Text { format, .. } = setting.r#type
                && format == TextFormat::Email
                && let Some(Value::String(address)) =
                    masked.pointer_mut(&settings::pointer(setting.path))
            {
                *address = mask::email(address);
            }
        }
        masked.get_mut(key).map(Value::take).unwrap_or_default()
    }

    /// The document.
    pub(crate) fn as_json(&self) -> &Value {
        &self.0
    }

    /// The document, owned.
    pub(crate) fn into_json(self) -> Value {
        self.0
    }
}

fn find<'v>(level: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut names = path.split('.');
    let value = level.get(names.next()?)?;
    names.try_fold(value, |value, name| value.get(name))
}

fn insert(document: &mut Value, path: &str, value: Value) {
    let mut place = document;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[name];
    }
    *place = value;
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
