//! Announcements: what other contexts and the outside may learn of a change.
//!
//! An announcement is a row of `events.outbox`, written in the transaction of the change, so neither is ever there
//! without the other. The relay sends it as a CloudEvents 1.0 [`Envelope`]; its data are identifiers, not documents.
//! Whoever listens declares [`Consumers`]: each runs in one transaction with its row of `events.inbox`, so an event that
//! comes twice has its effect once.
//!
//! What happens without an event, at fixed times, is one of the [`Jobs`]. What a closed tenant leaves is cleared away by each
//! function's [`Erasure`].

mod consumers;
mod endpoint;
mod envelope;
pub mod erasure;
pub mod error;
mod inbox;
pub mod jobs;
mod kind;
mod outbox;
pub mod push;
mod subscription;

pub use consumers::{ConsumeError, Consumers};
pub use envelope::{Envelope, EnvelopeError};
pub use erasure::Erasure;
pub use jobs::{Job, Jobs, Run};
pub use kind::EventKind;
pub use outbox::{Announcement, announce};
pub use subscription::Subscription;
