//! Rules for custom roles.

use std::collections::BTreeMap;

use access::{Grants, ReachKind};
use web::{
    Localized,
    problem::{FieldCode, FieldError},
};

web::text_enum! {
    /// Built-in role that a custom role is based on. It determines the rank of the role and applies where only built-in roles matter.
    pub enum BaseRole {
        /// Manages the organisation.
        Admin = "admin",
        /// Manages tickets, experts and customers.
        Manager = "manager",
        /// Works on tickets.
        Expert = "expert",
        /// Creates and follows their own tickets.
        Customer = "customer",
    }
}

/// Reserved names: those of the built-in roles, and the one used for API keys.
pub(crate) fn is_reserved(name: &str) -> bool {
    let name = name.to_lowercase();
    matches!(name.as_str(), "superadmin" | "api_key") || BaseRole::parse(&name).is_some()
}

/// A map from permission to reach: `all`, `assigned` or `own`. In a merge, `null` removes a permission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedGrants(BTreeMap<String, Option<ReachKind>>);

impl WantedGrants {
    /// Grants of a request body; `None` removes a permission.
    pub(crate) fn new(grants: BTreeMap<String, Option<ReachKind>>) -> Self {
        Self(grants)
    }

    /// These grants alone.
    pub(crate) fn into_grants(self) -> Grants {
        self.merged_into(&Grants::default())
    }

    /// The present grants with these changes applied (RFC 7396).
    pub(crate) fn merged_into(self, present: &Grants) -> Grants {
        let mut grants = present.clone();
        for (permission, reach) in self.0 {
            match reach {
                Some(reach) => grants.0.insert(permission, reach),
                None => grants.0.remove(&permission),
            };
        }
        grants
    }
}

/// Refuses permissions that a tenant's role cannot have. `known` contains every permission, and whether it is reserved for platform
/// staff.
pub(crate) fn check(
    grants: &Grants,
    known: &BTreeMap<String, bool>,
) -> Result<(), Vec<FieldError>> {
    let refusals: Vec<FieldError> = grants
        .0
        .keys()
        .filter_map(|permission| {
            let code = match known.get(permission) {
                Some(false) => return None,
                Some(true) => STAFF_ONLY,
                None => UNKNOWN_PERMISSION,
            };
            let escaped = permission.replace('~', "~0").replace('/', "~1");
            Some(FieldError {
                pointer: format!("/permissions/{escaped}"),
                code,
            })
        })
        .collect();
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(refusals)
    }
}

const UNKNOWN_PERMISSION: FieldCode = FieldCode::Rule(
    "unknown_permission",
    Localized {
        de: "ist keine bekannte Berechtigung; GET /permissions listet alle auf",
        en: "is not a known permission; GET /permissions lists all of them",
    },
);
const STAFF_ONLY: FieldCode = FieldCode::Rule(
    "staff_only_permission",
    Localized {
        de: "ist dem Betreiber der Plattform vorbehalten",
        en: "is reserved for platform staff",
    },
);

/// The permissions that differ, with both reaches, for the audit log.
pub(crate) fn diff_grants<'a>(
    before: &'a Grants,
    after: &'a Grants,
) -> impl Iterator<Item = (&'a str, Option<ReachKind>, Option<ReachKind>)> {
    let gone = before
        .0
        .keys()
        .filter(|permission| after.reach(permission).is_none());
    gone.chain(after.0.keys())
        .map(|permission| {
            let (old, new) = (before.reach(permission), after.reach(permission));
            (permission.as_str(), old, new)
        })
        .filter(|(_, old, new)| old != new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(list: &[(&str, ReachKind)]) -> Grants {
        Grants(
            list.iter()
                .map(|(name, reach)| ((*name).to_owned(), *reach))
                .collect(),
        )
    }

    #[test]
    fn a_patch_merges_and_null_removes() {
        let present = grants(&[("a.b.read", ReachKind::All), ("a.b.update", ReachKind::Own)]);
        let patch = WantedGrants(BTreeMap::from([
            ("a.b.read".to_owned(), None),
            ("a.b.delete".to_owned(), Some(ReachKind::Own)),
        ]));
        assert_eq!(
            patch.clone().merged_into(&present),
            grants(&[
                ("a.b.update", ReachKind::Own),
                ("a.b.delete", ReachKind::Own)
            ])
        );
        assert_eq!(
            patch.into_grants(),
            grants(&[("a.b.delete", ReachKind::Own)])
        );
    }

    #[test]
    fn every_difference_is_listed_once() {
        let before = grants(&[
            ("a", ReachKind::All),
            ("b", ReachKind::Own),
            ("c", ReachKind::Own),
        ]);
        let after = grants(&[
            ("b", ReachKind::All),
            ("c", ReachKind::Own),
            ("d", ReachKind::Own),
        ]);
        let found: Vec<_> = diff_grants(&before, &after).collect();
        assert_eq!(
            found,
            [
                ("a", Some(ReachKind::All), None),
                ("b", Some(ReachKind::Own), Some(ReachKind::All)),
                ("d", None, Some(ReachKind::Own)),
            ]
        );
    }

    #[test]
    fn forbidden_permissions_are_reported_with_pointers() {
        let known = BTreeMap::from([
            ("a.b.read".to_owned(), false),
            ("a.b.found".to_owned(), true),
        ]);
        let wanted = grants(&[
            ("a.b.read", ReachKind::All),
            ("a.b.found", ReachKind::All),
            ("a/b", ReachKind::All),
        ]);
        let refused = check(&wanted, &known).unwrap_err();
        let told: Vec<_> = refused
            .iter()
            .map(|error| (error.pointer.as_str(), error.code.code()))
            .collect();
        assert_eq!(
            told,
            [
                ("/permissions/a.b.found", "staff_only_permission"),
                ("/permissions/a~1b", "unknown_permission"),
            ]
        );
        assert!(is_reserved("Admin") && is_reserved("API_KEY") && !is_reserved("dispatcher"));
    }
}
