//! Every table is protected by row-level security, or listed.

use sqlx::{FromRow, PgConnection};

use super::{
    lists::{Exceptions, Lists},
    query_rows,
};

/// A table.
#[derive(FromRow)]
pub(super) struct Table {
    /// `schema.table`.
    pub(super) name: String,
    pub(super) schema: String,
    secured: bool,
    forced: bool,
    tenant_type: Option<String>,
    tenant_required: Option<bool>,
}

impl Table {
    /// Whether its rows belong to tenants.
    pub(super) fn has_tenants(&self) -> bool {
        self.tenant_type.is_some()
    }
}

/// Includes partitions, which can be read without the policies of their parent.
const TABLES: &str = "
select r.name, r.schema, r.secured, r.forced, t.type as tenant_type, t.required as tenant_required
from relations r
left join tenant_columns t on t.relation_oid = r.oid
where r.kind in ('table', 'partition')
order by r.name";

/// Reads all tables.
pub(super) async fn read(connection: &mut PgConnection) -> Vec<Table> {
    query_rows(connection, TABLES).await
}

pub(super) fn violations(tables: &[Table], lists: &Lists) -> Vec<String> {
    let mut exceptions = Exceptions::new(&lists.without_tenant);
    let mut found = Vec::new();
    for table in tables {
        let name = &table.name;
        let Some(tenant_type) = &table.tenant_type else {
            if !exceptions.allows(name) {
                found.push(format!(
                    "{name} has no tenant_id: add it and `call access.protect('{name}', ...)`, or declare the table as not_tenant_data."
                ));
            }
            continue;
        };
        if tenant_type != "uuid" || table.tenant_required != Some(true) {
            found.push(format!(
                "{name} has a tenant_id that is not `uuid not null`: make it so."
            ));
        }
        if !table.secured {
            found.push(format!(
                "{name} has row-level security switched off: `call access.protect('{name}', ...)`."
            ));
        }
        if !table.forced {
            found.push(format!(
                "{name} does not force row-level security on its owner: `alter table {name} force row level security`."
            ));
        }
    }
    found.extend(exceptions.stale());
    found
}
