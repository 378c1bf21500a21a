//! Announcements: what other contexts and the outside may learn of a change.
//!
//! An announcement is a row of `events.outbox`, written in the transaction of the change, so neither is ever there
//! without the other. It becomes a CloudEvents 1.0 envelope on the bus; its data are identifiers, not documents.

mod kind;
mod outbox;

pub use kind::EventKind;
pub use outbox::{Announcement, announce};
