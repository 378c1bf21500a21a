//! Who is calling, what they may do, and what is kept of it.
//!
//! A handler asks for [`Caller<P>`]: it can only be made for someone who holds the permission `P` in a tenant that has
//! switched on the context. [`Gate`] does the work behind it: tokens, API keys, and the directory of tenants, roles and
//! sessions, cached for at most 15 seconds, so that a revocation reaches every function without a network hop.

pub mod api_key;
pub mod audience;
pub mod audit;
mod caller;
pub mod cors;
pub mod directory;
pub mod entrance;
pub mod file_grant;
mod gate;
mod idempotency;
mod in_flight;
mod internal;
pub mod keyring;
pub mod mask;
pub mod oidc;
pub mod opaque;
mod permission;
mod principal;
pub mod problems;
pub mod process;
mod proof;
pub mod quota;
mod rate_limit;
mod service_accounts;
pub mod token;
pub mod usage;

pub use caller::Caller;
pub use directory::{Tenant, TenantStatus, Terms};
pub use gate::{Gate, GateSettings};
pub use idempotency::{Attempt, Idempotent, Pending};
pub use internal::{InternalAuth, InternalCaller, InternalSecretError};
pub use keyring::{Keyring, Purpose};
pub use permission::{Anyone, Enrolling, Grants, Permission, Reach, ReachKind};
pub use principal::{IMPERSONATE, Principal, REVALENZ};
pub use proof::{Assurance, PROOF_LIFETIME};
pub use service_accounts::{ServiceAccounts, ServiceAccountsError};
