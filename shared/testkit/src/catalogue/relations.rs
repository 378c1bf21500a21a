//! Views, rewrite rules, column types, extensions and owners.

use sqlx::{FromRow, PgConnection};

use super::{lists::EXTENSIONS, query_rows};

#[derive(FromRow)]
struct Found {
    name: String,
    detail: String,
}

/// Views run with their owner's privileges unless `security_invoker` is set.
const VIEWS: &str = "
select r.name, '' as detail
from relations r
where r.kind = 'view'
    and not coalesce((
        select lower(o.option_value) in ('true', 'on', 'yes', '1')
        from pg_catalog.pg_options_to_table(r.options) o
        where o.option_name = 'security_invoker'
    ), false)
order by r.name";

const RULES: &str = "
select r.name, w.rulename::text as detail
from pg_catalog.pg_rewrite w
join relations r on r.oid = w.ev_class
where r.kind in ('table', 'partition')
order by r.name, w.rulename";

/// Resolves arrays and domains to the base type.
const TYPES: &str = ", columns as (
    select r.name || '.' || a.attname as name, a.atttypid as type_oid
    from pg_catalog.pg_attribute a
    join relations r on r.oid = a.attrelid
    where a.attnum > 0 and not a.attisdropped
)
select c.name, b.typname::text as detail
from columns c
cross join lateral (
    with recursive down (oid) as (
        select c.type_oid
        union
        select case when t.typtype = 'd' then t.typbasetype else t.typelem end
        from down d
        join pg_catalog.pg_type t on t.oid = d.oid
        where t.typtype = 'd' or (t.typcategory = 'A' and t.typelem <> 0)
    )
    select oid from down
) d
join pg_catalog.pg_type b on b.oid = d.oid
where b.typtype = 'e' or b.typname = 'citext'
order by c.name";

const ENUMS: &str = "
select s.schema || '.' || t.typname as name, '' as detail
from pg_catalog.pg_type t
join schemas s on s.oid = t.typnamespace
where t.typtype = 'e'
order by 1";

const INSTALLED: &str = "
select e.extname::text as name, '' as detail
from pg_catalog.pg_extension e
order by 1";

/// Functions of `rvz_definer` are checked separately.
const OWNERS: &str = "
select r.kind || ' ' || r.name as name, pg_catalog.pg_get_userbyid(r.owner)::text as detail
from relations r
where pg_catalog.pg_get_userbyid(r.owner) <> 'rvz_owner'
union all
select 'function ' || f.name, pg_catalog.pg_get_userbyid(f.owner)::text
from functions f
where pg_catalog.pg_get_userbyid(f.owner) not in ('rvz_owner', 'rvz_definer')
union all
select 'schema ' || s.schema, pg_catalog.pg_get_userbyid(s.owner)::text
from schemas s
where s.schema <> 'public' and pg_catalog.pg_get_userbyid(s.owner) <> 'rvz_owner'
order by 1";

pub(super) async fn violations(connection: &mut PgConnection) -> Vec<String> {
    let mut found = Vec::new();
    for Found { name, .. } in query_rows(connection, VIEWS).await {
        found.push(format!(
            "View {name} runs with its owner's privileges: `alter view {name} set (security_invoker = true)`."
        ));
    }
    for Found { name, detail } in query_rows(connection, RULES).await {
        found.push(format!(
            "{name} has the rewrite rule {detail}, which runs with its owner's privileges: drop it."
        ));
    }
    for Found { name, detail } in query_rows(connection, TYPES).await {
        found.push(format!(
            "{name} is of type {detail}, whose operators are not leakproof: use text, with a check or a type in Rust."
        ));
    }
    for Found { name, .. } in query_rows(connection, ENUMS).await {
        found.push(format!("Type {name} is an enum: use text with a check."));
    }
    for Found { name, .. } in query_rows(connection, INSTALLED).await {
        if !EXTENSIONS.contains(&name.as_str()) {
            found.push(format!("Extension {name} is not listed: review it and list it in catalogue/lists.rs of testkit, or drop it."));
        }
    }
    for Found { name, detail } in query_rows(connection, OWNERS).await {
        found.push(format!(
            "The {name} belongs to {detail}, not to rvz_owner: hand it over."
        ));
    }
    found
}
