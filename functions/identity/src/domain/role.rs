//! What a custom role is made of.

use std::collections::BTreeMap;

use access::{Grants, ReachKind};
use serde_json::Value;
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, Type},
};
use web::{
    Localized,
    body::Field,
    problem::{Errors, FieldCode, FieldError, Pointer},
};

/// Entries that a role has at most; there are far fewer permissions.
const MOST: usize = 500;
/// How far a permission can reach.
const REACHES: [(&str, ReachKind); 3] = [
    ("all", ReachKind::All),
    ("assigned", ReachKind::Assigned),
    ("own", ReachKind::Own),
];

web::text_enum! {
    /// The built-in role that a role is built on: where it stands among the others, and what it counts as where only that matters.
    pub enum BaseRole {
        /// Manages the organisation.
        Admin = "admin",
        /// Manages tickets, and the people below.
        Manager = "manager",
        /// Works on tickets.
        Expert = "expert",
        /// Has tickets.
        Customer = "customer",
    }
}

/// Names that mean something else: those of the built-in roles, and what a key is called.
pub(crate) fn is_reserved(name: &str) -> bool {
    let name = name.to_lowercase();
    matches!(name.as_str(), "superadmin" | "api_key") || BaseRole::parse(&name).is_some()
}

/// A map from permission to reach. `null` takes one away, which matters where a map is merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedGrants(BTreeMap<String, Option<ReachKind>>);

impl WantedGrants {
    /// These alone.
    pub(crate) fn whole(self) -> Grants {
        self.merged(&Grants::default())
    }

    /// What was there, with these changes (RFC 7396).
    pub(crate) fn merged(self, present: &Grants) -> Grants {
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

/// Refuses what no role of a tenant can have. `known`: every permission, and whether only the platform's own staff has it.
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
                None => UNKNOWN,
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

const UNKNOWN: FieldCode = FieldCode::Rule(
    "unknown_permission",
    Localized {
        de: "diese Berechtigung gibt es nicht; GET /permissions nennt alle",
        en: "there is no such permission; GET /permissions lists them all",
    },
);
const STAFF_ONLY: FieldCode = FieldCode::Rule(
    "staff_only_permission",
    Localized {
        de: "diese Berechtigung hat nur der Betreiber der Plattform",
        en: "only the platform's own staff has this permission",
    },
);

/// Which permissions differ, with both reaches: for the audit log.
pub(crate) fn differences<'a>(
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

impl Field for WantedGrants {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::Object(object) = value else {
            return errors.refuse(at, FieldCode::WrongType("object"));
        };
        if object.len() > MOST {
            return errors.refuse(at, FieldCode::TooLong(MOST));
        }
        let mut grants = BTreeMap::new();
        let mut complete = true;
        for (permission, reach) in object {
            let place = at.child(&permission);
            let read = match &reach {
                Value::Null => Some(None),
                Value::String(word) => REACHES
                    .iter()
                    .find(|(known, _)| known == word)
                    .map(|(_, kind)| Some(*kind))
                    .or_else(|| {
                        let words = REACHES.map(|(word, _)| word).join(", ");
                        errors.refuse(&place, FieldCode::NotOneOf(words))
                    }),
                _ => errors.refuse(&place, FieldCode::WrongType("string")),
            };
            match read {
                Some(reach) => {
                    grants.insert(permission, reach);
                }
                None => complete = false,
            }
        }
        complete.then_some(Self(grants))
    }

    fn schema() -> RefOr<Schema> {
        let reach = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(REACHES.map(|(word, _)| word)));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::RefOr(web::body::nullable(
                reach.into(),
            ))))
            .into()
    }
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
    fn a_patch_merges_and_null_takes_away() {
        let present = grants(&[("a.b.read", ReachKind::All), ("a.b.update", ReachKind::Own)]);
        let patch = WantedGrants(BTreeMap::from([
            ("a.b.read".to_owned(), None),
            ("a.b.delete".to_owned(), Some(ReachKind::Own)),
        ]));
        assert_eq!(
            patch.clone().merged(&present),
            grants(&[
                ("a.b.update", ReachKind::Own),
                ("a.b.delete", ReachKind::Own)
            ])
        );
        assert_eq!(patch.whole(), grants(&[("a.b.delete", ReachKind::Own)]));
    }

    #[test]
    fn every_difference_is_named_once() {
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
        let found: Vec<_> = differences(&before, &after).collect();
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
    fn what_a_tenant_cannot_give_is_named_with_its_place() {
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
