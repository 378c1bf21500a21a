//! Authentication, authorisation, rate limits and quotas, and the audit log.
//!
//! A handler takes a [`Caller<P>`], which can only be created for a caller who holds the permission `P` in a tenant that has
//! enabled the context. The [`Authenticator`] behind it verifies access tokens and API keys against the directory of tenants,
//! roles and sessions, cached for at most 15 seconds, so that a revocation reaches every function without a network hop.

pub mod api_key;
mod app_state;
mod assurance;
pub mod audit;
mod authenticator;
mod caller;
pub mod cors;
pub mod declarations;
pub mod directory;
pub mod file_grant;
mod in_flight;
mod internal;
pub mod keyring;
pub mod list;
pub mod load_shed;
pub mod mask;
pub mod oidc;
pub mod opaque;
mod permission;
mod principal;
pub mod problems;
pub mod process;
pub mod quota;
mod rate_limit;
mod service_accounts;
mod tables;
pub mod targeting;
pub mod token;
pub mod usage;

pub use app_state::{AppSettings, AppState};
pub use assurance::{Assurance, MFA_REQUIRED_ROLES, SETTINGS, STEP_UP_MAX_AGE};
pub use authenticator::Authenticator;
pub use caller::Caller;
pub use directory::{Entitlements, Tenant, TenantStatus};
pub use internal::{InternalAuth, InternalCaller, InternalSecretError};
pub use keyring::{Keyring, Purpose};
pub use permission::{
    Anyone, Enrolling, Grants, Permission, PermissionEntry, Reach, ReachKind, Recent,
};
pub use principal::{IMPERSONATE, Principal, REVALENZ};
pub use service_accounts::{ServiceAccounts, ServiceAccountsError};
pub use tables::TABLES;
