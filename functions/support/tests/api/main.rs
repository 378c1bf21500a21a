//! Tests of the support context over HTTP, each with its own database.
#![expect(clippy::unwrap_used, reason = "tests")]

mod comments;
mod create;
mod import;
mod lists;
mod refusals;
mod second_factor;
mod update;

use testkit::{TestApp, TestTenant};

/// An app with the support function and one tenant.
async fn app() -> (TestApp, TestTenant) {
    let app = TestApp::new(&[("support", support::service)]).await;
    let demo = app.tenant("demo").await;
    (app, demo)
}
