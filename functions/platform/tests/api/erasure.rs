//! Erasure of a closed tenant: each table is erased by its function, or kept for a reason listed here.

use std::collections::BTreeSet;

use events::Erasure;
use testkit::Database;

/// Erasures of all functions.
pub(crate) static ERASURES: &[&Erasure] = &[
    &identity::ERASURE,
    &tenancy::ERASURE,
    &support::ERASURE,
    &files::ERASURE,
    &notifications::ERASURE,
];

/// Tables that keep rows of a closed tenant, and why.
pub(crate) const KEPT_TABLES: &[(&str, &str)] = &[
    (
        "access.audit_log",
        "kept as long as the law requires; has its own retention",
    ),
    (
        "access.quota_counters",
        "counts without personal data, the basis of invoices",
    ),
    (
        "access.tenants",
        "the slug stays reserved, with status closed",
    ),
    (
        "access.usage_events",
        "counts without personal data, the basis of invoices",
    ),
    (
        "events.dead_letters",
        "identifiers only, removed by the relay",
    ),
    (
        "events.erasures",
        "the proof that everything else was erased",
    ),
    ("events.inbox", "identifiers only, removed by the relay"),
    (
        "events.outbox",
        "identifiers only, removed by the relay; contains the event of the closure",
    ),
    (
        "tenancy.audit_heads",
        "the head of the audit chain, which is kept",
    ),
    ("tenancy.licenses", "commercial records, kept for years"),
    ("tenancy.tenants", "commercial records, kept for years"),
    (
        "tenancy.usage_counters",
        "counts without personal data, the basis of invoices",
    ),
];

#[tokio::test]
async fn every_tenant_table_is_erased_or_kept_for_a_reason() {
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
    for table in erased.chain(KEPT_TABLES.iter().map(|(table, _)| *table)) {
        assert!(named.insert(table.to_owned()), "{table} is listed twice");
    }
    let missing: Vec<_> = tables.difference(&named).collect();
    assert!(
        missing.is_empty(),
        "{missing:?}: add each to the erasure of its function (erasure.rs), or give the reason for keeping it here"
    );
    let unknown: Vec<_> = named.difference(&tables).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not tenant tables");
}

#[tokio::test]
async fn every_erasing_function_subscribes_to_closures_and_has_the_job() {
    for erasure in ERASURES {
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
