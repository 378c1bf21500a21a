//! What a closed tenant leaves behind: every table is erased by its function, or stays for a reason that stands here.

use std::collections::BTreeSet;

use events::Erasure;
use testkit::Database;

/// What each function erases.
pub(crate) static ERASURES: &[&Erasure] = &[
    &identity::ERASURE,
    &tenancy::ERASURE,
    &support::ERASURE,
    &files::ERASURE,
    &notifications::ERASURE,
];

/// Tables of which the rows of a closed tenant stay, and why.
pub(crate) const STAYS: &[(&str, &str)] = &[
    (
        "access.audit_log",
        "who did what is kept as long as the law wants it, and goes with its own retention",
    ),
    (
        "access.quota_counters",
        "counts without names, on which invoices rest",
    ),
    (
        "access.tenants",
        "the name stays taken, and the status says closed",
    ),
    (
        "access.usage_events",
        "counts without names, on which invoices rest",
    ),
    (
        "events.dead_letters",
        "identifiers without names, cleared away by the relay",
    ),
    ("events.erasures", "the proof that everything else is gone"),
    (
        "events.inbox",
        "identifiers without names, cleared away by the relay",
    ),
    (
        "events.outbox",
        "identifiers without names, cleared away by the relay; it carries the news of the end",
    ),
    (
        "tenancy.audit_heads",
        "where the chain of the log ends, which stays",
    ),
    (
        "tenancy.licenses",
        "what was sold: commercial records are kept for years",
    ),
    (
        "tenancy.tenants",
        "to whom it was sold: commercial records are kept for years",
    ),
    (
        "tenancy.usage_counters",
        "counts without names, on which invoices rest",
    ),
];

#[tokio::test]
async fn every_table_of_a_tenant_is_erased_or_stays_for_a_reason() {
    let database = Database::create().await;
    let tables: BTreeSet<String> = sqlx::query_scalar(
        "select c.table_schema || '.' || c.table_name
        from information_schema.columns c
        join information_schema.tables t using (table_schema, table_name)
        where c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE'",
    )
    .fetch_all(&mut database.admin().await)
    .await
    .unwrap()
    .into_iter()
    .collect();
    let mut named = BTreeSet::new();
    let erased = ERASURES.iter().flat_map(|erasure| erasure.tables).copied();
    for table in erased.chain(STAYS.iter().map(|(table, _)| *table)) {
        assert!(named.insert(table.to_owned()), "{table} is named twice");
    }
    let forgotten: Vec<_> = tables.difference(&named).collect();
    assert!(
        forgotten.is_empty(),
        "{forgotten:?}: add each to the erasure of its function (erasure.rs), or say here why it stays"
    );
    let gone: Vec<_> = named.difference(&tables).collect();
    assert!(gone.is_empty(), "{gone:?} are no tables of tenants");
}

#[tokio::test]
async fn every_function_that_erases_hears_of_the_end_and_has_the_job() {
    for erasure in ERASURES {
        let function = platform::functions::ALL
            .iter()
            .find(|function| function.name == erasure.function)
            .unwrap();
        let hears = (function.listens)().iter().any(|one| {
            one.types
                .iter()
                .any(|kind| kind == events::erasure::TENANT_CLOSED)
        });
        assert!(hears, "{} does not hear of the end", function.name);
        assert!(
            function
                .jobs
                .iter()
                .any(|job| job.name == "erase-closed-tenants"),
            "{} never erases",
            function.name
        );
    }
}
