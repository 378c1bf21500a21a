//! `tenant_id` is the first column of every key and index of tenant data.
//!
//! Foreign keys and unique indexes ignore row-level security: without `tenant_id` first, a tenant could reference another
//! tenant's row, learn that it exists, and have requests rejected because of it.

use std::collections::BTreeSet;

use sqlx::{FromRow, PgConnection};

use super::{
    lists::{Exceptions, Lists},
    query_rows,
    tables::Table,
};

#[derive(FromRow)]
struct Constraint {
    relation: String,
    table_name: String,
    schema: String,
    name: String,
    kind: String,
    leads: bool,
    target: Option<String>,
    target_leads: bool,
    validated: bool,
}

/// Checks have no column order, and without tenant data on either side any column may come first.
const CONSTRAINTS: &str = "
select
    r.name as relation, r.relation as table_name, r.schema, c.conname::text as name, c.contype::text as kind,
    (c.contype = 'c' or d.none or coalesce(c.conkey[1] = own.number, false)) as leads,
    target.name as target,
    (d.none or coalesce(c.confkey[1] = other.number, false)) as target_leads,
    c.convalidated as validated
from pg_catalog.pg_constraint c
join relations r on r.oid = c.conrelid
left join relations target on target.oid = c.confrelid
left join tenant_columns own on own.relation_oid = c.conrelid
left join tenant_columns other on other.relation_oid = c.confrelid
cross join lateral (select own.number is null and other.number is null as none) d
where c.contype in ('p', 'u', 'f', 'x', 'c')
order by r.name, c.conname";

#[derive(FromRow)]
struct Index {
    relation: String,
    name: String,
    leads: bool,
    valid: bool,
}

/// Indexes that do not belong to a constraint.
const INDEXES: &str = "
select r.name as relation, r.schema || '.' || x.relname as name, i.indkey[0] = t.number as leads, i.indisvalid as valid
from pg_catalog.pg_index i
join pg_catalog.pg_class x on x.oid = i.indexrelid
join relations r on r.oid = i.indrelid
join tenant_columns t on t.relation_oid = r.oid
where not exists (select from pg_catalog.pg_constraint c where c.conindid = i.indexrelid and c.conrelid = i.indrelid)
order by r.name, x.relname";

pub(super) async fn violations(
    connection: &mut PgConnection,
    tables: &[Table],
    lists: &Lists,
) -> Vec<String> {
    let mut exceptions = Exceptions::new(&lists.across_tenants);
    let mut found = Vec::new();
    let mut keyed = BTreeSet::new();
    for constraint in query_rows::<Constraint>(connection, CONSTRAINTS).await {
        found.extend(constraint.violations(&mut exceptions));
        if constraint.kind == "p" {
            keyed.insert(constraint.relation);
        }
    }
    for Index {
        relation,
        name,
        leads,
        valid,
    } in query_rows(connection, INDEXES).await
    {
        if !leads && !exceptions.allows(&name) {
            found.push(format!(
                "Index {name} on {relation} does not begin with tenant_id: put it first, or name the index in its context's database exceptions."
            ));
        }
        if !valid {
            found.push(format!("Index {name} on {relation} is invalid, its concurrent build failed: drop and build it again."));
        }
    }
    let keyless = |table: &&Table| table.has_tenants() && !keyed.contains(&table.name);
    found.extend(tables.iter().filter(keyless).map(|Table { name, .. }| {
        format!("{name} has no primary key: add one that begins with tenant_id.")
    }));
    found.extend(exceptions.stale());
    found
}

impl Constraint {
    fn violations(&self, exceptions: &mut Exceptions<'_>) -> Vec<String> {
        let Self { relation, .. } = self;
        let name = format!("{}.{}", self.schema, self.name);
        let mut found = Vec::new();
        if !self.leads && !exceptions.allows(&name) {
            let what = self.noun();
            found.push(format!(
                "The {what} {name} on {relation} does not begin with tenant_id: put it first, or name it in its context's database exceptions."
            ));
        }
        if let Some(target) = self.target.as_ref().filter(|_| !self.target_leads) {
            found.push(format!(
                "The foreign key {name} on {relation} does not refer to {target} by tenant_id first: a tenant could point at another's row."
            ));
        }
        if !self.validated {
            found.push(format!("The constraint {name} on {relation} was never validated: `alter table {relation} validate constraint {}`.", self.name));
        }
        if !self.has_explicit_name() {
            found.push(format!(
                "The constraint {name} on {relation} has a generated name: call it {}_<what>{}, because errors are distinguished by it.",
                self.table_name,
                self.ending()
            ));
        }
        found
    }

    fn noun(&self) -> &'static str {
        match self.kind.as_str() {
            "p" => "primary key",
            "u" => "unique constraint",
            "f" => "foreign key",
            "x" => "exclusion constraint",
            _ => "check",
        }
    }

    fn ending(&self) -> &'static str {
        match self.kind.as_str() {
            "p" => "_pkey",
            "u" => "_key",
            "f" => "_fkey",
            "x" => "_excl",
            _ => "_check",
        }
    }

    /// PostgreSQL's generated names contain all columns, including `tenant_id`, and may end with a number.
    fn has_explicit_name(&self) -> bool {
        let stem = self.name.strip_suffix(self.ending());
        let what = stem.and_then(|stem| stem.strip_prefix(self.table_name.as_str()));
        match (self.kind.as_str(), what) {
            (_, None) => self.schema == "public",
            ("p", Some(what)) => what.is_empty(),
            (_, Some(what)) => what.starts_with('_') && !what.contains("tenant_id"),
        }
    }
}
