//! The declarations of tables against the system catalogue: every column is classified, every row is erased or kept.

use std::collections::BTreeSet;

use db::tables::{Closure, Strategy, Subject, Table};
use platform::generators::tables;
use sqlx::PgConnection;
use testkit::Database;

use super::erasure::erasures;

/// Columns of our tables, generated ones included: table, column, whether it may be null.
const COLUMNS: &str = "select n.nspname || '.' || c.relname, a.attname::text, not a.attnotnull
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
        and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public')";

/// Foreign keys of our tables: referencing table, referenced table.
const REFERENCES: &str = "select a.nspname || '.' || r.relname, b.nspname || '.' || f.relname
    from pg_constraint k
    join pg_class r on r.oid = k.conrelid
    join pg_namespace a on a.oid = r.relnamespace
    join pg_class f on f.oid = k.confrelid
    join pg_namespace b on b.oid = f.relnamespace
    where k.contype = 'f' and k.conrelid <> k.confrelid";

type CatalogueColumn = (String, String, bool);

async fn columns(connection: &mut PgConnection) -> Vec<CatalogueColumn> {
    sqlx::query_as(COLUMNS).fetch_all(connection).await.unwrap()
}

/// Compares declarations with the catalogue.
fn violations(tables: &[Table], catalogue: &[CatalogueColumn]) -> Vec<String> {
    let existing: BTreeSet<(&str, &str)> = catalogue
        .iter()
        .map(|(table, column, _)| (table.as_str(), column.as_str()))
        .collect();
    let nullable = |table: &str, name: &str| {
        catalogue
            .iter()
            .any(|(t, column, nullable)| t == table && column == name && *nullable)
    };
    let mut violations = Vec::new();
    let mut declared = BTreeSet::new();
    let mut names = BTreeSet::new();
    for table in tables {
        let name = table.name;
        if !names.insert(name) {
            violations.push(format!("{name} is declared twice"));
        }
        for column in table.columns {
            if !declared.insert((name, column.name)) {
                violations.push(format!("{name}.{} is declared twice", column.name));
            }
            if column.strategy == Strategy::Nullify && !nullable(name, column.name) {
                violations.push(format!("{name}.{} cannot be null", column.name));
            }
        }
        for subject in table.subjects {
            let (Subject::User(column)
            | Subject::Email(column)
            | Subject::Reference(column)
            | Subject::Path { column, .. }) = *subject;
            if !existing.contains(&(name, column)) {
                violations.push(format!("{name} has no column {column} that names a person"));
            }
            if let Subject::Path { table: other, .. } = *subject
                && tables.iter().all(|table| table.name != other)
            {
                violations.push(format!("{name} refers to {other}, which does not exist"));
            }
        }
        let is_tenant_data = existing.contains(&(name, "tenant_id"));
        if is_tenant_data == (table.closure == Closure::NotTenantData) {
            violations.push(format!(
                "{name}: not_tenant_data if and only if it has no tenant_id"
            ));
        }
    }
    for (table, column) in existing.difference(&declared) {
        violations.push(format!(
            "{table}.{column} is not classified: add a line to tables.rs of its context"
        ));
    }
    for (table, column) in declared.difference(&existing) {
        violations.push(format!(
            "{table}.{column} does not exist: remove its line from tables.rs"
        ));
    }
    violations
}

#[tokio::test]
async fn every_column_is_classified_exactly_once() {
    let database = Database::create().await;
    let catalogue = columns(&mut database.admin().await).await;
    let declared: Vec<Table> = tables().copied().collect();
    assert_eq!(
        violations(&declared, &catalogue),
        Vec::<String>::new(),
        "see docs/data-map.md"
    );
}

#[tokio::test]
async fn a_forgotten_doubled_or_vanished_column_is_named() {
    let database = Database::create().await;
    let mut admin = database.admin().await;
    sqlx::raw_sql(
        "alter table support.tickets add column mood text;
        alter table support.tickets drop column team;
        create table files.shares (tenant_id uuid not null);",
    )
    .execute(&mut admin)
    .await
    .unwrap();
    let mut declared: Vec<Table> = tables().copied().collect();
    let users = declared
        .iter_mut()
        .find(|table| table.name == "identity.users");
    let users = users.unwrap();
    users.columns = &users.columns[..users.columns.len() - 1];
    let roles = declared.iter().find(|table| table.name == "access.roles");
    declared.push(Table {
        columns: &[],
        ..*roles.unwrap()
    });
    assert_eq!(
        violations(&declared, &columns(&mut admin).await),
        [
            "access.roles is declared twice",
            "files.shares.tenant_id is not classified: add a line to tables.rs of its context",
            "identity.users.updated_at is not classified: add a line to tables.rs of its context",
            "support.tickets.mood is not classified: add a line to tables.rs of its context",
            "support.tickets.team does not exist: remove its line from tables.rs",
        ]
    );
}

#[tokio::test]
async fn every_table_is_erased_by_one_function_in_the_order_of_its_foreign_keys() {
    let erased: Vec<&str> = erasures()
        .flat_map(|erasure| erasure.table_names().collect::<Vec<_>>())
        .collect();
    for table in tables() {
        let count = erased.iter().filter(|name| **name == table.name).count();
        let expected = usize::from(matches!(table.closure, Closure::ErasedBy(_)));
        assert_eq!(count, expected, "{} ({:?})", table.name, table.closure);
    }
    let database = Database::create().await;
    let references: Vec<(String, String)> = sqlx::query_as(REFERENCES)
        .fetch_all(&mut database.admin().await)
        .await
        .unwrap();
    for erasure in erasures() {
        let order: Vec<&str> = erasure.table_names().collect();
        let position = |wanted: &str| order.iter().position(|table| *table == wanted);
        for (referencing, referenced) in &references {
            if let (Some(first), Some(second)) = (position(referencing), position(referenced)) {
                assert!(
                    first < second,
                    "{referencing} must be erased before {referenced}"
                );
            }
        }
    }
}
