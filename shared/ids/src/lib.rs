//! Typed identifiers: a `TicketId` cannot be used in place of a `UserId`.
//!
//! Every identifier is a `UUIDv7` (RFC 9562): the first 48 bits are the Unix time in milliseconds, so that primary keys are
//! inserted in order. A context declares the kinds that only it knows with [`ids!`](crate::ids!).

mod id;
mod registry;

pub use id::{Id, IdKind};
pub use registry::*;
