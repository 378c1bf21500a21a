//! Access to PostgreSQL.
//!
//! Nothing outside this crate holds a pool. A function has a [`Db`] and uses it to open a [`TenantTx`] for one tenant and one
//! actor. Row-level security (`access.protect` in the migrations) is the second lock behind the `tenant_id = $1` in every
//! statement.

mod actor;
mod error;
pub mod local;
pub mod migrate;
mod pool;
pub mod tables;
mod tenant_tx;

pub use actor::{Actor, ActorKind};
pub use error::{DbError, Result};
pub use pool::{Db, LockProbe};
pub use tenant_tx::{TenantTx, UnscopedTx};
