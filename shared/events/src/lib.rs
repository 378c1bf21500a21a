//! Domain events, scheduled jobs and erasure.
//!
//! A published [`Event`] is a row of `events.outbox`, written in the transaction of the change, so neither exists without the
//! other (transactional outbox). The relay publishes it as a CloudEvents 1.0 [`Envelope`]; its data are identifiers, not
//! documents. A function that subscribes declares [`Consumers`]: each runs in one transaction with its row of `events.inbox`,
//! so an event that is delivered twice takes effect once.
//!
//! Work at fixed times is declared as [`Jobs`]. The data of a closed tenant are erased by each function's [`Erasure`].

mod app;
mod consumers;
mod context;
mod endpoint;
mod envelope;
pub mod erasure;
pub mod error;
pub mod event;
mod idempotency;
pub mod import;
mod inbox;
pub mod jobs;
mod outbox;
mod own_tables;
pub mod push;
mod subscription;
mod unit_of_work;

pub use access::process::{BackgroundTask, StartError, Started};
pub use app::App;
pub use consumers::{ConsumeError, ConsumedEvent, Consumers, EventHandler};
pub use context::{Context, DatabaseExceptions, Environment, OwnProcess, PageParts, Parts};
pub use db::tables;
pub use envelope::{Envelope, EnvelopeError};
pub use erasure::Erasure;
pub use event::{Event, EventExample, EventKind, EventSchema, Subject};
pub use idempotency::{Attempt, Idempotent, Pending};
pub use jobs::{Job, Jobs, Run};
pub use own_tables::TABLES;
pub use subscription::Subscription;
pub use unit_of_work::{Backend, UnitOfWork};
