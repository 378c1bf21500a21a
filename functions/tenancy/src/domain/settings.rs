//! The tenant settings that contexts declare, as a tree: groups are objects of the settings document.

use access::declarations::{SettingGroup, SettingType, TenantSetting, TextFormat, registry};

/// A member of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Member {
    Group(&'static SettingGroup),
    Setting(&'static TenantSetting),
}

/// The members of a group by name. The document itself has an empty path.
pub(crate) fn members(group: &str) -> impl Iterator<Item = (&'static str, Member)> {
    let groups = registry().groups.iter();
    let settings = registry().settings.iter();
    groups
        .map(|group| (group.path, Member::Group(group)))
        .chain(settings.map(|setting| (setting.path, Member::Setting(setting))))
        .filter_map(move |(path, member)| {
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
            (parent == group).then_some((name, member))
        })
}

/// The settings that list roles, which must exist.
pub(crate) fn role_lists() -> impl Iterator<Item = &'static TenantSetting> {
    let is_role_list = |setting: &&TenantSetting| matches!(setting.r#type, SettingType::List { format, .. } if format == TextFormat::RoleName);
    registry().settings.iter().filter(is_role_list)
}

/// The JSON Pointer (RFC 6901) of a setting in the document.
pub(crate) fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// The top-level key of a setting, under which it is stored.
pub(crate) fn key(path: &str) -> &str {
    path.split_once('.').map_or(path, |(key, _)| key)
}
