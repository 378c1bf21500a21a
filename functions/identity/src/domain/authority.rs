//! Authority: which roles a caller may grant, and which users they may manage.

use access::{Grants, ReachKind};

/// A role to be granted, removed or managed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoleView<'a> {
    /// The built-in role that it is based on.
    pub(crate) base_role: &'a str,
    /// Its permissions.
    pub(crate) permissions: &'a Grants,
}

/// The caller who grants, removes, changes or manages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoleHolder<'a> {
    /// The built-in role that their role is based on; `api_key` for API keys.
    pub(crate) base_role: &'a str,
    /// Their permissions.
    pub(crate) permissions: &'a Grants,
    /// Whether they may assign roles from manager upwards.
    pub(crate) may_assign: bool,
}

/// Whether a caller may grant, remove or create this role, or manage users who have it.
///
/// The role must not have more permissions than the caller, or be based on a higher role than theirs. Roles from manager upwards
/// also require the permission to assign roles.
pub(crate) fn can_manage(caller: RoleHolder<'_>, role: RoleView<'_>) -> bool {
    let is_below_manager = matches!(role.base_role, "expert" | "customer");
    (caller.may_assign || is_below_manager)
        && rank(role.base_role).is_some_and(|role_rank| rank(caller.base_role) >= Some(role_rank))
        && missing_permissions(caller.permissions, role.permissions).is_empty()
}

/// Whether the caller may impersonate a user with this role: it must be based on a lower role and have no permission that the
/// caller lacks.
pub(crate) fn can_impersonate(caller: RoleHolder<'_>, role: RoleView<'_>) -> bool {
    rank(role.base_role).is_some_and(|role_rank| rank(caller.base_role) > Some(role_rank))
        && missing_permissions(caller.permissions, role.permissions).is_empty()
}

/// The permissions that `wanted` grants and `held` does not, or with less reach.
pub(crate) fn missing_permissions<'a>(held: &Grants, wanted: &'a Grants) -> Vec<&'a str> {
    let covered = |permission: &str, reach: ReachKind| {
        held.reach(permission)
            .is_some_and(|held_reach| held_reach >= reach)
    };
    wanted
        .0
        .iter()
        .filter(|(permission, reach)| !covered(permission, **reach))
        .map(|(permission, _)| permission.as_str())
        .collect()
}

/// The order of the built-in roles. API keys rank as experts, whatever their scopes: a key that a stranger finds in a script must
/// not make or take over an account that manages people.
fn rank(base_role: &str) -> Option<u8> {
    Some(match base_role {
        "customer" => 1,
        "expert" | "api_key" => 2,
        "manager" => 3,
        "admin" => 4,
        "superadmin" => 5,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use access::ReachKind::{self, All, Own};
    use proptest::prelude::*;

    use super::*;

    fn grants(list: &[(&str, ReachKind)]) -> Grants {
        Grants(
            list.iter()
                .map(|(name, reach)| ((*name).to_owned(), *reach))
                .collect(),
        )
    }

    fn handles(caller: &Grants, may_assign: bool, base_role: &str, permissions: &Grants) -> bool {
        handles_as("admin", caller, may_assign, base_role, permissions)
    }

    fn handles_as(
        own_base: &str,
        caller: &Grants,
        may_assign: bool,
        base_role: &str,
        permissions: &Grants,
    ) -> bool {
        let holder = RoleHolder {
            base_role: own_base,
            permissions: caller,
            may_assign,
        };
        can_manage(
            holder,
            RoleView {
                base_role,
                permissions,
            },
        )
    }

    #[test]
    fn a_caller_cannot_grant_permissions_they_lack() {
        let caller = grants(&[("a.b.read", All), ("a.b.update", Own)]);
        assert!(handles(
            &caller,
            true,
            "admin",
            &grants(&[("a.b.read", Own)])
        ));
        assert!(!handles(
            &caller,
            true,
            "customer",
            &grants(&[("a.b.update", All)])
        ));
        assert!(!handles(
            &caller,
            true,
            "customer",
            &grants(&[("a.b.delete", Own)])
        ));
    }

    #[test]
    fn without_role_assign_only_users_below_manager_can_be_managed() {
        let caller = grants(&[("a.b.read", All)]);
        let nothing = Grants::default();
        assert!(handles(&caller, false, "customer", &nothing));
        assert!(handles(&caller, false, "expert", &nothing));
        assert!(!handles(&caller, false, "manager", &nothing));
        assert!(!handles(&caller, false, "admin", &nothing));
        assert!(!handles(&caller, false, "anything new", &nothing));
    }

    #[test]
    fn a_role_based_on_a_higher_one_cannot_be_managed() {
        let (caller, nothing) = (grants(&[("a.b.read", All)]), Grants::default());
        for (own, other, may) in [
            ("manager", "manager", true),
            ("manager", "admin", false),
            ("api_key", "expert", true),
            ("api_key", "manager", false),
            ("api_key", "admin", false),
            ("superadmin", "superadmin", true),
            ("anything new", "customer", false),
            ("admin", "anything new", false),
        ] {
            assert_eq!(
                handles_as(own, &caller, true, other, &nothing),
                may,
                "{own} {other}"
            );
        }
    }

    #[test]
    fn only_users_with_a_lower_role_can_be_impersonated() {
        let caller = grants(&[("a.b.read", All)]);
        let looks = |own: &str, other: &str, permissions: &Grants| {
            let holder = RoleHolder {
                base_role: own,
                permissions: &caller,
                may_assign: true,
            };
            can_impersonate(
                holder,
                RoleView {
                    base_role: other,
                    permissions,
                },
            )
        };
        assert!(looks("admin", "manager", &caller));
        assert!(!looks("admin", "admin", &caller));
        assert!(looks("superadmin", "admin", &caller));
        assert!(!looks("superadmin", "superadmin", &caller));
        assert!(!looks("admin", "customer", &grants(&[("a.b.delete", Own)])));
    }

    fn reach() -> impl Strategy<Value = ReachKind> {
        prop_oneof![Just(Own), Just(ReachKind::Assigned), Just(All)]
    }

    fn any_grants() -> impl Strategy<Value = Grants> {
        prop::collection::btree_map("[a-c]", reach(), 0..4).prop_map(Grants)
    }

    proptest! {
        #[test]
        fn granting_a_role_never_escalates_permissions(a in any_grants(), b in any_grants(), c in any_grants()) {
            if handles(&a, true, "admin", &b) && handles(&b, true, "admin", &c) {
                prop_assert!(handles(&a, true, "admin", &c));
            }
            prop_assert!(handles(&a, true, "admin", &a));
        }
    }
}
