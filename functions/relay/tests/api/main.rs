//! The relay as its neighbours meet it: announcements in a real database, functions behind real routers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod contract;
mod dead_letters;
mod delivery;
mod door;
mod failures;
mod google;
mod jobs;
mod kills;
mod order;
mod process;
#[cfg(feature = "gcp")]
mod pubsub;
mod rabbit;
mod scene;
mod tidying;
mod ways;
