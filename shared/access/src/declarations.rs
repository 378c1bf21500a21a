//! What a context declares about itself for others to validate: tenant settings, feature flags, metrics, types of resources
//! with files.
//!
//! Each context declares its own words in `src/declarations.rs` and uses them by its constants. The platform collects all of
//! them into `infra/registry.json`, which is compiled into every function ([`registry`]). tenancy validates settings, flags
//! and limits against it, and files the types of resources, without knowing any other context.

mod declared;
mod registry;
mod setting;
mod setting_type;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};
use web::Localized;

pub use declared::{Declaration, Declared};
pub use registry::{Registry, registry};
pub use setting::Setting;
pub use setting_type::{SettingType, TextFormat};

/// A feature flag: a context, or a part of one, that can be switched on for a tenant.
pub type Flag = Declared<FlagDeclaration>;
/// A type of resources with files.
pub type ResourceType = Declared<ResourceTypeDeclaration>;

/// A label of a few words, and a description of one or two sentences.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Texts {
    /// For forms and headings.
    pub label: Localized,
    /// What it means. The English text is the description in the API reference.
    pub description: Localized,
}

/// The tenant settings of a context. Declared with [`tenant_settings!`](crate::tenant_settings!).
#[derive(Clone, Copy, Debug)]
pub struct SettingsDeclaration {
    /// The groups that this context names. Settings of other contexts can belong to them too.
    pub groups: &'static [SettingGroup],
    /// The settings.
    pub settings: &'static [TenantSetting],
    /// The rules between settings.
    pub rules: &'static [SettingRule],
}

/// A group of settings: an object in the settings document.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SettingGroup {
    /// Its path in the document, such as `sla` or `sla.resolution_hours`.
    pub path: &'static str,
    /// Name of its schema in the API reference.
    pub schema: &'static str,
    /// Label and description.
    pub texts: Texts,
}

/// A setting of a tenant.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TenantSetting {
    /// Its path in the settings document, such as `magic_link` or `session.idle_days`.
    pub path: &'static str,
    /// Type, bounds and default. A setting is nullable if its default is null.
    pub r#type: SettingType,
    /// Label and description.
    pub texts: Texts,
}

/// A rule between two integer settings: the first must not exceed the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingRule {
    /// Path of the setting that is reported as invalid.
    pub lower: &'static str,
    /// Path of the setting that it must not exceed.
    pub upper: &'static str,
    /// The code of the field error.
    pub code: &'static str,
    /// The text of the field error.
    pub text: Localized,
}

/// Declaration of a [`Flag`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct FlagDeclaration {
    /// Its name.
    pub name: &'static str,
    /// Whether it is on for a tenant for which it was never changed.
    pub on_by_default: bool,
    /// Label and description.
    pub texts: Texts,
}

/// Declaration of a [`Metric`](crate::usage::Metric).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MetricDeclaration {
    /// Its name.
    pub name: &'static str,
    /// The name of its limit in a licence.
    pub limit_name: &'static str,
    /// Whether it is a level rather than a monthly sum: it can decrease, and is not reset.
    pub is_level: bool,
    /// What each plan includes unless agreed otherwise.
    pub included: Included,
    /// Whether it can still be used after the licence has expired, so that people can read, export and renew.
    pub usable_after_expiry: bool,
    /// Label and description.
    pub texts: Texts,
}

/// The quantity of a metric that each plan includes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Included {
    /// For evaluation.
    pub trial: i64,
    /// The default plan.
    pub standard: i64,
    /// For large organisations, and the platform's own.
    pub enterprise: i64,
}

/// Declaration of a [`ResourceType`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ResourceTypeDeclaration {
    /// Its name: the part before the colon in `ticket:<id>`.
    pub name: &'static str,
    /// Label and description.
    pub texts: Texts,
}

impl SettingsDeclaration {
    /// No settings.
    pub const NONE: Self = Self {
        groups: &[],
        settings: &[],
        rules: &[],
    };
}

impl Declaration for FlagDeclaration {
    const SCHEMA: &'static str = "Flag";
    const DESCRIPTION: &'static str = "A context that can be switched on for a tenant.";
    fn name(&self) -> &'static str {
        self.name
    }
    fn all() -> &'static [Self] {
        &registry().flags
    }
}

impl Declaration for MetricDeclaration {
    const SCHEMA: &'static str = "Metric";
    const DESCRIPTION: &'static str = "A metered metric.";
    fn name(&self) -> &'static str {
        self.name
    }
    fn all() -> &'static [Self] {
        &registry().metrics
    }
}

impl Declaration for ResourceTypeDeclaration {
    const SCHEMA: &'static str = "ResourceType";
    const DESCRIPTION: &'static str = "A type of resources with files.";
    fn name(&self) -> &'static str {
        self.name
    }
    fn all() -> &'static [Self] {
        &registry().resource_types
    }
}

impl<'de: 'static> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = BTreeMap::<&str, Localized>::deserialize(deserializer)?;
        let text = |name| {
            texts
                .get(name)
                .copied()
                .ok_or(de::Error::missing_field(name))
        };
        Ok(Self {
            label: text("label")?,
            description: text("description")?,
        })
    }
}

/// Reads a list of the registry, which is read once per process and kept until its end.
fn kept_list<'de, D, T>(deserializer: D) -> Result<&'static [T], D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Vec::deserialize(deserializer)?.leak())
}

/// Reads an optional list of the registry.
fn kept_optional_list<'de, D, T>(deserializer: D) -> Result<Option<&'static [T]>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list: Option<Vec<T>> = Option::deserialize(deserializer)?;
    Ok(list.map(|list| &*list.leak()))
}

/// Declares the tenant settings of a context: a constant for each, and `SETTINGS` with all of them.
///
/// ```
/// access::tenant_settings! {
///     groups {
///         "loan" as "Loan" {
///             de: "Ausleihe", "Wie lange Bücher ausgeliehen werden.";
///             en: "Loans", "How long books are lent.";
///         }
///     }
///     settings {
///         LOAN_DAYS: i32 = "loan.days", integer(1, 90, 30) {
///             de: "Ausleihfrist (Tage)", "Tage bis zur Rückgabe.";
///             en: "Loan period (days)", "Days until a book must be returned.";
///         }
///     }
///     rules {}
/// }
/// assert_eq!(SETTINGS.settings[0].path, "loan.days");
/// ```
#[macro_export]
macro_rules! tenant_settings {
    (
        groups { $($group:literal as $schema:literal {
            de: $group_label_de:literal, $group_de:literal;
            en: $group_label_en:literal, $group_en:literal;
        })* }
        settings { $($name:ident: $ty:ty = $path:literal, $constructor:ident($($argument:expr),* $(,)?) {
            de: $label_de:literal, $de:literal;
            en: $label_en:literal, $en:literal;
        })* }
        rules { $($lower:literal <= $upper:literal: $code:literal {
            de: $rule_de:literal;
            en: $rule_en:literal;
        })* }
    ) => {
        $(
            #[doc = $en]
            pub const $name: $crate::declarations::Setting<$ty> = $crate::declarations::Setting::<$ty>::$constructor(
                $path,
                $crate::declarations::Texts::new([$label_de, $de], [$label_en, $en]),
                $($argument),*
            );
        )*

        /// The tenant settings of this context.
        pub const SETTINGS: $crate::declarations::SettingsDeclaration = $crate::declarations::SettingsDeclaration {
            groups: &[$($crate::declarations::SettingGroup {
                path: $group,
                schema: $schema,
                texts: $crate::declarations::Texts::new([$group_label_de, $group_de], [$group_label_en, $group_en]),
            }),*],
            settings: &[$($name.declaration()),*],
            rules: &[$($crate::declarations::SettingRule {
                lower: $lower,
                upper: $upper,
                code: $code,
                text: $crate::declarations::Texts::new(["", $rule_de], ["", $rule_en]).description,
            }),*],
        };
    };
}

impl Texts {
    /// Label and description in German and in English.
    pub const fn new(de: [&'static str; 2], en: [&'static str; 2]) -> Self {
        let [label_de, description_de] = de;
        let [label_en, description_en] = en;
        Self {
            label: Localized {
                de: label_de,
                en: label_en,
            },
            description: Localized {
                de: description_de,
                en: description_en,
            },
        }
    }
}
