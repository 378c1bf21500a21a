//! Erasure of a closed tenant: every function that erases tables is told of closures and has the job.

use events::Erasure;
use platform::functions;

/// The erasures of all functions.
pub(crate) fn erasures() -> impl Iterator<Item = Erasure> {
    functions::ALL
        .iter()
        .filter_map(|function| function.erasure())
}

#[tokio::test]
async fn every_erasing_function_subscribes_to_closures_and_has_the_job() {
    for function in functions::ALL {
        if function.erasure().is_none() {
            continue;
        }
        let subscribes = (function.subscriptions)().iter().any(|one| {
            one.types
                .iter()
                .any(|kind| kind == events::erasure::TENANT_CLOSED)
        });
        assert!(
            subscribes,
            "{} does not subscribe to the closure",
            function.name
        );
        assert!(
            function
                .jobs
                .iter()
                .any(|job| job.name == "erase-closed-tenants"),
            "{} has no erasure job",
            function.name
        );
    }
}
