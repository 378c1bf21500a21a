//! Erasure of a closed tenant: every function that erases tables is told of closures and has the job.

use events::Erasure;

/// Erasures of all functions.
pub(crate) fn erasures() -> impl Iterator<Item = &'static Erasure> {
    let contexts = platform::functions::ALL.iter();
    contexts.filter_map(|context| context.erasure)
}

#[tokio::test]
async fn every_erasing_function_subscribes_to_closures_and_has_the_job() {
    for erasure in erasures() {
        let function = platform::functions::ALL
            .iter()
            .find(|function| function.name == erasure.function)
            .unwrap();
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
