//! A linter for the database schema: checks PostgreSQL's catalogue against the rules for tenant data.
//!
//! A forgotten `call access.protect(...)` is easily overlooked in a review of migrations. This checks their result: tables and
//! policies, keys and indexes, roles, grants, definer functions. Contexts declare their exceptions with reasons; one that is no
//! longer needed is a violation too, so the lists only shrink.

mod definers;
mod grants;
mod keys;
mod lists;
mod policies;
mod relations;
mod roles;
mod tables;

use events::Context;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, postgres::PgRow};

use lists::Lists;

/// Common table expressions of all queries: our schemas, and their objects that are not part of an extension.
const COMMON_EXPRESSIONS: &str = "
with schemas as (
    select n.oid, n.nspname::text as schema, n.nspowner as owner, n.nspacl as acl
    from pg_catalog.pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
),
relations as (
    select
        c.oid, s.schema, c.relname::text as relation, s.schema || '.' || c.relname as name, c.relowner as owner,
        c.relacl as acl, c.reloptions as options, c.relrowsecurity as secured, c.relforcerowsecurity as forced,
        case
            when c.relkind = 'v' then 'view'
            when c.relkind = 'm' then 'materialised view'
            when c.relkind = 'S' then 'sequence'
            when c.relkind = 'f' then 'foreign table'
            when c.relispartition then 'partition'
            else 'table'
        end as kind
    from pg_catalog.pg_class c
    join schemas s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
        and not exists (
            select from pg_catalog.pg_depend d
            where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
        )
),
tenant_columns as (
    select
        a.attrelid as relation_oid, a.attnum as number, a.attnotnull as required,
        pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from pg_catalog.pg_attribute a
    where a.attname = 'tenant_id' and not a.attisdropped
),
functions as (
    select
        p.oid, s.schema, s.schema || '.' || p.proname as name, p.proowner as owner, p.proacl as acl,
        p.prosecdef as definer, p.proconfig as settings
    from pg_catalog.pg_proc p
    join schemas s on s.oid = p.pronamespace
    where not exists (
        select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    )
)
";

/// Returns all violations in a database with these contexts, as sentences that name the object and how to fix it.
///
/// Read-only; works for any role that may read the catalogue.
pub async fn violations(connection: &mut PgConnection, contexts: &[&Context]) -> Vec<String> {
    let lists = Lists::of(contexts);
    let tables = tables::read(connection).await;
    let mut found = tables::violations(&tables, &lists);
    found.extend(policies::violations(connection, &tables, &lists).await);
    found.extend(keys::violations(connection, &tables, &lists).await);
    found.extend(relations::violations(connection).await);
    found.extend(definers::violations(connection, &lists).await);
    found.extend(roles::violations(connection).await);
    found.extend(grants::violations(connection, &lists).await);
    found
}

/// Runs a query on the catalogue, which may use `schemas`, `relations`, `tenant_columns` and `functions`.
async fn query_rows<T>(connection: &mut PgConnection, select: &'static str) -> Vec<T>
where
    T: for<'row> FromRow<'row, PgRow> + Send + Unpin,
{
    sqlx::query_as(AssertSqlSafe(format!("{COMMON_EXPRESSIONS}{select}")))
        .fetch_all(connection)
        .await
        .expect("the catalogue is readable")
}

/// The role of the policies on a schema's tables.
fn app_role(schema: &str) -> String {
    match schema {
        "access" | "events" => "rvz_app".to_owned(),
        function => format!("rvz_{function}"),
    }
}
