//! Permissions as types, and how far they reach.

use std::{collections::BTreeMap, marker::PhantomData};

use ids::UserId;
use serde::{Deserialize, Serialize};

/// A permission that a handler can require. Declared with [`permissions!`](crate::permissions!).
pub trait Permission: Send + Sync + 'static {
    /// `context.resource.action`; `None` when being signed in is enough.
    const NAME: Option<&'static str>;
    /// The feature flag of the context; `None` for contexts that are always on.
    const FEATURE: Option<&'static str>;
    /// Whether it is open to a session that lacks the second factor which the organisation demands of the person's role.
    const BEFORE_ENROLMENT: bool = false;
    /// Whether every change under it needs an entry in the audit log.
    const AUDITED: bool = false;
    /// Whether it needs a person who authenticated within [`STEP_UP_MAX_AGE`](crate::assurance::STEP_UP_MAX_AGE).
    const RECENT_AUTHENTICATION: bool = false;
    /// Whether API keys are exempt from the recent authentication, which they cannot prove.
    const OPEN_TO_KEYS: bool = false;
}

/// A permission as listed in its context's declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PermissionEntry {
    /// `context.resource.action`.
    pub name: &'static str,
    /// What it allows.
    pub doc: &'static str,
    /// Whether every change under it needs an entry in the audit log.
    pub is_audited: bool,
    /// Whether it needs a recent authentication and is open to API keys all the same.
    pub is_open_to_keys: bool,
}

impl PermissionEntry {
    /// The entry of `P`; used by [`permissions!`](crate::permissions!).
    #[doc(hidden)]
    pub const fn of<P: Permission>(name: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            doc,
            is_audited: P::AUDITED,
            is_open_to_keys: P::OPEN_TO_KEYS,
        }
    }
}

/// No permission: any authenticated caller.
#[derive(Clone, Copy, Debug)]
pub enum Anyone {}
impl Permission for Anyone {
    const NAME: Option<&'static str> = None;
    const FEATURE: Option<&'static str> = None;
}

/// No permission, and no second factor either where the organisation requires one: for operations that a session needs to
/// read its own state, to enrol a factor, to step up, and to sign out.
#[derive(Clone, Copy, Debug)]
pub enum Enrolling {}
impl Permission for Enrolling {
    const NAME: Option<&'static str> = None;
    const FEATURE: Option<&'static str> = None;
    const BEFORE_ENROLMENT: bool = true;
}

/// The permission `P` with a recent authentication: for one sensitive operation among others that need only `P`.
#[derive(Clone, Copy, Debug)]
pub struct Recent<P>(PhantomData<fn() -> P>);
impl<P: Permission> Permission for Recent<P> {
    const NAME: Option<&'static str> = P::NAME;
    const FEATURE: Option<&'static str> = P::FEATURE;
    const BEFORE_ENROLMENT: bool = P::BEFORE_ENROLMENT;
    const AUDITED: bool = P::AUDITED;
    const RECENT_AUTHENTICATION: bool = true;
    const OPEN_TO_KEYS: bool = P::OPEN_TO_KEYS;
}

/// How far a permission reaches, as roles store it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReachKind {
    /// Rows owned by the caller.
    Own,
    /// Rows assigned to the caller.
    Assigned,
    /// Every row of the tenant.
    All,
}

/// How far the caller's permission reaches, with the user it is bound to. Store functions take it as an argument, so that no
/// statement can omit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every row of the tenant.
    All,
    /// Rows assigned to this user.
    Assigned(UserId),
    /// Rows owned by this user.
    Own(UserId),
}

impl Reach {
    /// For SQL: `($n::uuid is null or owner = $n)`.
    pub fn owner(self) -> Option<UserId> {
        match self {
            Self::Own(user) => Some(user),
            Self::All | Self::Assigned(_) => None,
        }
    }

    /// For SQL: `($n::uuid is null or assigned_to = $n)`.
    pub fn assignee(self) -> Option<UserId> {
        match self {
            Self::Assigned(user) => Some(user),
            Self::All | Self::Own(_) => None,
        }
    }

    /// Whether a row of `owner` is within reach.
    pub fn covers(self, owner: UserId) -> bool {
        match self {
            Self::All => true,
            Self::Assigned(user) | Self::Own(user) => user == owner,
        }
    }
}

/// The permissions of a role or key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub BTreeMap<String, ReachKind>);

impl Grants {
    /// The scopes of an API key; each reaches all rows.
    pub fn from_scopes(scopes: impl IntoIterator<Item = String>) -> Self {
        Self(
            scopes
                .into_iter()
                .map(|scope| (scope, ReachKind::All))
                .collect(),
        )
    }

    /// Without the permissions to read sensitive data.
    #[must_use]
    pub fn masked(mut self) -> Self {
        self.0.retain(|name, _| !name.ends_with(".read_sensitive"));
        self
    }

    /// How far `permission` reaches, if it is granted.
    pub fn reach(&self, permission: &str) -> Option<ReachKind> {
        self.0.get(permission).copied()
    }
}

/// Declares the permissions of a context as types, `ALL`, the list of their names, `DECLARED`, the list with their docs, and
/// `FEATURE`, the feature flag of the context.
///
/// Behind a name stand its properties: `audited` if every change under it needs an entry in the audit log,
/// `recent_authentication` if it needs a person who authenticated within the last ten minutes, and then `open_to_keys` if API keys
/// may use it all the same.
///
/// ```
/// access::permissions! {
///     feature Some("support");
///     /// Read tickets.
///     TicketRead = "support.ticket.read";
///     /// Delete tickets.
///     TicketDelete = "support.ticket.delete", audited;
/// }
/// assert_eq!(<TicketRead as access::Permission>::NAME, Some("support.ticket.read"));
/// ```
#[macro_export]
macro_rules! permissions {
    (@property audited) => {
        const AUDITED: bool = true;
    };
    (@property recent_authentication) => {
        const RECENT_AUTHENTICATION: bool = true;
    };
    (@property open_to_keys) => {
        const OPEN_TO_KEYS: bool = true;
    };
    (feature $feature:expr; $($(#[doc = $doc:literal])* $name:ident = $permission:literal $(, $property:ident)*;)*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}
            impl $crate::Permission for $name {
                const NAME: Option<&'static str> = Some($permission);
                const FEATURE: Option<&'static str> = $feature;
                $($crate::permissions! { @property $property })*
            }
        )*
        /// The feature flag of this context; `None` if it is always on.
        pub const FEATURE: Option<&'static str> = $feature;
        /// Every permission of this context.
        pub const ALL: &[&str] = &[$($permission),*];
        /// Every permission of this context, with its documentation.
        pub const DECLARED: &[$crate::PermissionEntry] = &[
            $($crate::PermissionEntry::of::<$name>($permission, concat!($($doc,)*))),*
        ];
    };
}
