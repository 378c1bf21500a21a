//! A fingerprint of a tenant's data per table.

use std::collections::BTreeMap;

use ids::TenantId;
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// Returns the count and a fingerprint of the tenant's rows by table. Read as superuser, so that all rows are visible.
pub async fn snapshot(
    admin: &mut PgConnection,
    tenant: TenantId,
) -> BTreeMap<String, (i64, String)> {
    let tables = sqlx::query(
        "select c.table_schema || '.' || c.table_name as name
        from information_schema.columns c
        join information_schema.tables t using (table_schema, table_name)
        where c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE'
        order by 1",
    )
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    let mut all = BTreeMap::new();
    for table in tables {
        let name: String = table.get("name");
        let row = sqlx::query(AssertSqlSafe(format!(
            "select count(*), coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '')
            from {name} t where t.tenant_id = '{tenant}'"
        )))
        .fetch_one(&mut *admin)
        .await
        .unwrap();
        all.insert(name, (row.get(0), row.get(1)));
    }
    all
}
