//! Typed access to a setting by the context that declares it.

use std::marker::PhantomData;

use serde_json::{Map, Value};

use super::{SettingType, TenantSetting, TextFormat, Texts};
use crate::Tenant;

/// A setting that is read as a `T`. A value that is missing or malformed means the default, and integers are kept within
/// their bounds.
pub struct Setting<T> {
    declaration: TenantSetting,
    value_type: PhantomData<fn() -> T>,
}

impl<T> Setting<T> {
    const fn of(path: &'static str, texts: Texts, r#type: SettingType) -> Self {
        Self {
            declaration: TenantSetting {
                path,
                r#type,
                texts,
            },
            value_type: PhantomData,
        }
    }

    /// The path in the settings document.
    pub const fn path(&self) -> &'static str {
        self.declaration.path
    }

    /// The declaration.
    pub const fn declaration(&self) -> TenantSetting {
        self.declaration
    }

    fn find<'t>(&self, settings: &'t Map<String, Value>) -> Option<&'t Value> {
        let mut names = self.declaration.path.split('.');
        let value = settings.get(names.next()?)?;
        names.try_fold(value, |value, name| value.get(name))
    }
}

impl Setting<bool> {
    /// A setting that is on or off.
    pub const fn boolean(path: &'static str, texts: Texts, default: bool) -> Self {
        Self::of(path, texts, SettingType::Boolean { default })
    }

    /// Whether it is on for the tenant.
    pub fn read(&self, tenant: &Tenant) -> bool {
        let default = matches!(
            self.declaration.r#type,
            SettingType::Boolean { default: true }
        );
        self.find(&tenant.settings)
            .and_then(Value::as_bool)
            .unwrap_or(default)
    }
}

impl Setting<i32> {
    /// A whole number from `min` to `max`.
    pub const fn integer(
        path: &'static str,
        texts: Texts,
        min: i32,
        max: i32,
        default: i32,
    ) -> Self {
        Self::of(path, texts, SettingType::Integer { min, max, default })
    }

    /// The tenant's value.
    pub fn read(&self, tenant: &Tenant) -> i32 {
        let SettingType::Integer { min, max, default } = self.declaration.r#type else {
            return 0;
        };
        let number = self.find(&tenant.settings).and_then(Value::as_i64);
        number.map_or(default, |number| {
            let number = number.clamp(min.into(), max.into());
            i32::try_from(number).unwrap_or(default)
        })
    }
}

impl Setting<&'static str> {
    /// One of a few words.
    pub const fn choice(
        path: &'static str,
        texts: Texts,
        schema: &'static str,
        words: &'static [&'static str],
        default: &'static str,
    ) -> Self {
        Self::of(
            path,
            texts,
            SettingType::Choice {
                schema,
                words,
                default,
            },
        )
    }

    /// A text that always has a value.
    pub const fn text(
        path: &'static str,
        texts: Texts,
        format: TextFormat,
        default: &'static str,
    ) -> Self {
        let default = Some(default);
        Self::of(path, texts, SettingType::Text { format, default })
    }

    /// The tenant's value.
    pub fn read<'t>(&self, tenant: &'t Tenant) -> &'t str {
        let default = match self.declaration.r#type {
            SettingType::Choice { default, .. } => default,
            SettingType::Text { default, .. } => default.unwrap_or_default(),
            _ => "",
        };
        self.find(&tenant.settings)
            .and_then(Value::as_str)
            .unwrap_or(default)
    }
}

impl Setting<Option<&'static str>> {
    /// A text that is null by default.
    pub const fn optional_text(path: &'static str, texts: Texts, format: TextFormat) -> Self {
        let default = None;
        Self::of(path, texts, SettingType::Text { format, default })
    }

    /// The tenant's value.
    pub fn read<'t>(&self, tenant: &'t Tenant) -> Option<&'t str> {
        self.read_from(&tenant.settings)
    }

    /// The value in these settings of a tenant.
    pub fn read_from<'t>(&self, settings: &'t Map<String, Value>) -> Option<&'t str> {
        self.find(settings).and_then(Value::as_str)
    }
}

impl Setting<Vec<&'static str>> {
    /// A list of `min_items` to `max_items` different texts.
    pub const fn list(
        path: &'static str,
        texts: Texts,
        format: TextFormat,
        min_items: usize,
        max_items: usize,
        default: &'static [&'static str],
    ) -> Self {
        Self::of(
            path,
            texts,
            SettingType::List {
                format,
                min_items,
                max_items,
                default: Some(default),
            },
        )
    }

    /// The tenant's items.
    pub fn read<'t>(&self, tenant: &'t Tenant) -> Vec<&'t str> {
        match (self.find(&tenant.settings), self.declaration.r#type) {
            (Some(Value::Array(items)), _) => items.iter().filter_map(Value::as_str).collect(),
            (_, SettingType::List { default, .. }) => default.unwrap_or_default().to_vec(),
            _ => Vec::new(),
        }
    }
}

impl Setting<Option<Vec<&'static str>>> {
    /// A list of `min_items` to `max_items` different texts that is null by default.
    pub const fn optional_list(
        path: &'static str,
        texts: Texts,
        format: TextFormat,
        min_items: usize,
        max_items: usize,
    ) -> Self {
        Self::of(
            path,
            texts,
            SettingType::List {
                format,
                min_items,
                max_items,
                default: None,
            },
        )
    }

    /// The tenant's items, if it has set any list.
    pub fn read<'t>(&self, tenant: &'t Tenant) -> Option<Vec<&'t str>> {
        let items = self.find(&tenant.settings)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).collect())
    }
}
