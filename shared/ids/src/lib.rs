//! Typed identifiers: a `TicketId` never stands where a `UserId` belongs.
//!
//! Every identifier is a `UUIDv7` (RFC 9562): the first 48 bits are the Unix time in milliseconds, so
//! primary keys grow to the right. All kinds are declared in [`registry`], and nowhere else.

mod id;
mod registry;

pub use id::{Id, Kind};
pub use registry::*;
