//! Who may give which role, and manage whom.

use access::Grants;

/// The role that somebody gives, takes, or has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoleView<'a> {
    /// The built-in role that it is built on.
    pub(crate) base_role: &'a str,
    /// What it may do.
    pub(crate) permissions: &'a Grants,
}

/// Whether a caller may give this role, take it away, or manage somebody who has it.
///
/// Nobody handles more than they hold themselves; and from manager upwards only who may assign roles does.
pub(crate) fn may_handle(caller: &Grants, may_assign: bool, role: RoleView<'_>) -> bool {
    let is_below_manager = matches!(role.base_role, "expert" | "customer");
    (may_assign || is_below_manager) && holds(caller, role.permissions)
}

/// Whether everything that `wanted` grants is held, and reaches at least as far.
fn holds(held: &Grants, wanted: &Grants) -> bool {
    wanted.0.iter().all(|(permission, reach)| {
        held.reach(permission)
            .is_some_and(|held_reach| held_reach >= *reach)
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
        may_handle(
            caller,
            may_assign,
            RoleView {
                base_role,
                permissions,
            },
        )
    }

    #[test]
    fn nobody_gives_what_they_lack() {
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
    fn who_may_not_assign_roles_manages_people_below_manager() {
        let caller = grants(&[("a.b.read", All)]);
        let nothing = Grants::default();
        assert!(handles(&caller, false, "customer", &nothing));
        assert!(handles(&caller, false, "expert", &nothing));
        assert!(!handles(&caller, false, "manager", &nothing));
        assert!(!handles(&caller, false, "admin", &nothing));
        assert!(!handles(&caller, false, "anything new", &nothing));
    }

    fn reach() -> impl Strategy<Value = ReachKind> {
        prop_oneof![Just(Own), Just(ReachKind::Assigned), Just(All)]
    }

    fn any_grants() -> impl Strategy<Value = Grants> {
        prop::collection::btree_map("[a-c]", reach(), 0..4).prop_map(Grants)
    }

    proptest! {
        #[test]
        fn passing_a_role_on_never_adds_power(a in any_grants(), b in any_grants(), c in any_grants()) {
            if handles(&a, true, "admin", &b) && handles(&b, true, "admin", &c) {
                prop_assert!(handles(&a, true, "admin", &c));
            }
            prop_assert!(handles(&a, true, "admin", &a));
        }
    }
}
