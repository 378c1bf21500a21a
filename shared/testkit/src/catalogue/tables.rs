//! Every table is locked to its tenant, or named.

use sqlx::{FromRow, PgConnection};

use super::{
    ask,
    lists::{Excuses, WITHOUT_TENANT},
};

/// A table as far as it may hold tenant data.
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

/// Partitions count: whoever may read one reads past the policies of its parent.
const TABLES: &str = "
select r.name, r.schema, r.secured, r.forced, t.type as tenant_type, t.required as tenant_required
from relations r
left join tenant_columns t on t.relation_oid = r.oid
where r.kind in ('table', 'partition')
order by r.name";

/// Every table.
pub(super) async fn read(connection: &mut PgConnection) -> Vec<Table> {
    ask(connection, TABLES).await
}

pub(super) fn violations(tables: &[Table]) -> Vec<String> {
    let mut excuses = Excuses::of(WITHOUT_TENANT);
    let mut found = Vec::new();
    for table in tables {
        let name = &table.name;
        let Some(tenant_type) = &table.tenant_type else {
            if !excuses.cover(name) {
                found.push(format!(
                    "{name} has no tenant_id: add it and `call access.protect('{name}', ...)`, or name the table in catalogue/lists.rs with the reason."
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
    found.extend(excuses.stale());
    found
}
