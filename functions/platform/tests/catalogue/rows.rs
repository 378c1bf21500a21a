//! Generates rows for any table and tenant from the column types.

use ids::TenantId;
use sqlx::{AssertSqlSafe, Executor, FromRow, PgConnection};

/// A table with tenant data.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Table {
    /// `schema.table`.
    pub(crate) name: String,
    schema: String,
    columns: Vec<String>,
    types: Vec<String>,
}

/// Lists all tables with tenant data.
pub(crate) async fn tenant_tables(admin: &mut PgConnection) -> Vec<Table> {
    sqlx::query_as(
        "select
            n.nspname || '.' || c.relname as name, n.nspname::text as schema,
            array_agg(a.attname::text order by a.attnum) filter (where a.attgenerated = '' and a.attidentity = '') as columns,
            array_agg(format_type(a.atttypid, null) order by a.attnum) filter (where a.attgenerated = '' and a.attidentity = '') as types
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)'
        group by n.nspname, c.relname
        having bool_or(a.attname = 'tenant_id')
        order by 1",
    )
    .fetch_all(admin)
    .await
    .unwrap()
}

/// Inserts a row of each tenant into every table. Checks and foreign keys are disabled, as they are not under test.
pub(crate) async fn fill(admin: &mut PgConnection, tables: &[Table], tenants: [TenantId; 2]) {
    admin
        .execute("set session_replication_role = replica")
        .await
        .unwrap();
    for table in tables {
        drop_checks(admin, &table.name).await;
        for tenant in tenants {
            // Tenants and people already exist.
            let insert = format!("{} on conflict do nothing", table.insert(tenant));
            admin.execute(AssertSqlSafe(insert)).await.unwrap();
        }
    }
    admin
        .execute("reset session_replication_role")
        .await
        .unwrap();
}

async fn drop_checks(admin: &mut PgConnection, table: &str) {
    let names: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint where conrelid = $1::regclass and contype = 'c'",
    )
    .bind(table)
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    for name in names {
        admin
            .execute(AssertSqlSafe(format!(
                "alter table {table} drop constraint {name}"
            )))
            .await
            .unwrap();
    }
}

impl Table {
    /// The role of its policies.
    pub(crate) fn app_role(&self) -> String {
        if self.is_shared() {
            "rvz_app".to_owned()
        } else {
            format!("rvz_{}", self.schema)
        }
    }

    /// Whether it is shared by all functions.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.schema.as_str(), "access" | "events")
    }

    /// Whether it belongs to this function.
    pub(crate) fn is_of(&self, function: &str) -> bool {
        self.schema == function
    }

    /// A statement that inserts a row of this tenant.
    pub(crate) fn insert(&self, tenant: TenantId) -> String {
        let value = |(column, kind): (&String, &String)| {
            if column == "tenant_id" {
                format!("'{tenant}'")
            } else {
                value(kind)
            }
        };
        let values: Vec<_> = self.columns.iter().zip(&self.types).map(value).collect();
        format!(
            "insert into {} ({}) values ({})",
            self.name,
            self.columns.join(", "),
            values.join(", ")
        )
    }
}

/// A value of this type; unique where it may be part of a key.
fn value(kind: &str) -> String {
    if kind.ends_with("[]") {
        return "'{}'".to_owned();
    }
    match kind {
        "uuid" => "gen_random_uuid()".to_owned(),
        "text" => "gen_random_uuid()::text".to_owned(),
        "bytea" => "sha256(gen_random_uuid()::text::bytea)".to_owned(),
        "boolean" => "true".to_owned(),
        "smallint" | "integer" | "bigint" | "numeric" | "double precision" => "1".to_owned(),
        "timestamp with time zone" | "date" => "'2026-11-20'".to_owned(),
        "interval" => "'1 hour'".to_owned(),
        "jsonb" => "'{}'".to_owned(),
        "inet" | "cidr" => "'192.0.2.1'".to_owned(),
        other => panic!("add a value for the type {other} to rows.rs"),
    }
}
