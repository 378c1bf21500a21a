//! Tests of the relay through its public interface: announcements in a real database, functions behind real routers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod contract;
mod crashes;
mod dead_letters;
mod delivery;
mod endpoint;
mod failures;
mod google_auth;
mod harness;
mod jobs;
mod order;
mod process;
#[cfg(feature = "gcp")]
mod pubsub;
mod rabbit;
mod retention;
mod transports;
