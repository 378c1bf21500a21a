//! The support context as its users meet it: HTTP in process, a real database each.
#![expect(clippy::unwrap_used, reason = "tests")]

mod comments;
mod create;
mod import;
mod lists;
mod refusals;
mod second_factor;
mod update;

use testkit::{TestApp, TestTenant};

/// A stage with the function and one tenant.
async fn app() -> (TestApp, TestTenant) {
    let app = TestApp::new(&[("support", support::service)]).await;
    let demo = app.tenant("demo").await;
    (app, demo)
}
