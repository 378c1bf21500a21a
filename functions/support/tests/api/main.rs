//! The support context as its users meet it: HTTP in process, a real database each.
#![expect(clippy::unwrap_used, reason = "tests")]

mod comments;
mod create;
mod import;
mod lists;
mod refusals;
mod second_factor;
mod update;

use testkit::{Stage, TestTenant};

/// A stage with the function and one tenant.
async fn stage() -> (Stage, TestTenant) {
    let stage = Stage::of(&[("support", support::service)]).await;
    let demo = stage.tenant("demo").await;
    (stage, demo)
}
