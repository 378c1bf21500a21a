//! The unit of work over HTTP with a real database.
#![expect(
    clippy::unwrap_used,
    reason = "test code: a broken expectation is the answer"
)]

mod unit_of_work;
