//! Shared test support.
//!
//! A test creates a [`TestApp`]: a leased database, the routers of the functions under test in process, each with its own
//! database login, and a fixed clock that the test advances. Tests call it over HTTP with a [`Client`] per caller.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "test code: a broken expectation fails the test"
)]

mod broker;
pub mod catalogue;
mod client;
mod database;
pub mod dns;
#[cfg(feature = "gcs")]
pub mod fake_gcs;
pub mod fake_issuer;
#[cfg(feature = "pubsub")]
pub mod fake_pubsub;
pub mod isolation;
mod moto;
mod people;
mod test_app;
mod tool;

pub use broker::Broker;
pub use client::{Call, Client, TestResponse};
pub use database::Database;
pub use moto::Moto;
pub use people::{Person, TestTenant};
pub use test_app::{Function, PUBLIC_URL, ServiceFactory, TEST_EPOCH, TestApp};
pub use tool::tool;
