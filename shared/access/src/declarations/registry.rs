//! Everything that all contexts declare.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{
    Flag, FlagDeclaration, MetricDeclaration, ResourceType, ResourceTypeDeclaration, SettingGroup,
    SettingRule, SettingsDeclaration, TenantSetting,
};
use crate::usage::Metric;

/// Everything that all contexts declare, in the order of the contexts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Registry {
    /// How the file is generated.
    pub note: &'static str,
    /// Groups of settings.
    pub groups: Vec<SettingGroup>,
    /// Tenant settings.
    pub settings: Vec<TenantSetting>,
    /// Rules between settings.
    pub rules: Vec<SettingRule>,
    /// Feature flags.
    pub flags: Vec<FlagDeclaration>,
    /// Metered metrics.
    pub metrics: Vec<MetricDeclaration>,
    /// Types of resources with files.
    pub resource_types: Vec<ResourceTypeDeclaration>,
}

impl Registry {
    /// Adds the declarations of a context.
    pub fn add(
        &mut self,
        settings: &SettingsDeclaration,
        flags: &[Flag],
        metrics: &[Metric],
        resource_types: &[ResourceType],
    ) {
        self.groups.extend(settings.groups);
        self.settings.extend(settings.settings);
        self.rules.extend(settings.rules);
        self.flags
            .extend(flags.iter().map(|flag| flag.declaration()));
        self.metrics
            .extend(metrics.iter().map(|metric| metric.declaration()));
        self.resource_types
            .extend(resource_types.iter().map(|one| one.declaration()));
    }

    /// The setting with this path.
    pub fn setting(&self, path: &str) -> Option<&TenantSetting> {
        self.settings.iter().find(|setting| setting.path == path)
    }
}

/// The registry that was generated from the contexts (`platform registry`).
pub fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "compiled in, and read by a test")]
        serde_json::from_str(include_str!("../../../../infra/registry.json"))
            .expect("infra/registry.json is valid")
    });
    &REGISTRY
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_paths_are_unique_and_groups_are_declared() {
        let registry = registry();
        let settings: Vec<&str> = registry.settings.iter().map(|one| one.path).collect();
        let groups: BTreeSet<&str> = registry.groups.iter().map(|one| one.path).collect();
        let used: BTreeSet<&str> = settings
            .iter()
            .chain(&groups)
            .filter_map(|path| path.rsplit_once('.'))
            .map(|(group, _)| group)
            .collect();
        assert!(used.is_subset(&groups), "{used:?} {groups:?}");
        for names in [
            settings,
            registry.flags.iter().map(|one| one.name).collect(),
            registry.metrics.iter().map(|one| one.name).collect(),
            registry.metrics.iter().map(|one| one.limit_name).collect(),
            registry.resource_types.iter().map(|one| one.name).collect(),
        ] {
            let distinct: BTreeSet<&str> = names.iter().copied().collect();
            assert_eq!(distinct.len(), names.len(), "{names:?}");
        }
    }

    #[test]
    fn rules_are_between_integer_settings() {
        for rule in &registry().rules {
            for path in [rule.lower, rule.upper] {
                let setting = registry().setting(path).unwrap();
                assert!(setting.r#type.default_value().is_i64(), "{path}");
            }
        }
    }

    #[test]
    fn a_declaration_is_found_by_its_name_and_ordered_by_the_registry() {
        let all: Vec<Metric> = Metric::all().collect();
        assert!(all.is_sorted());
        for metric in &all {
            assert_eq!(Metric::parse(metric.as_str()), Some(*metric));
        }
        assert_eq!(Metric::parse("teleports"), None);
    }
}
