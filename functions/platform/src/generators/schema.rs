//! Generates `docs/schema.md` from the system catalog of a freshly migrated database.

use std::fmt::Write as _;

use sqlx::{PgConnection, Row};

use super::{header, table_cell};
use crate::Error;

/// Our schemas, shared ones first.
const SCHEMAS: &str = "select nspname::text
    from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
    order by nspname not in ('access', 'events'), nspname";

const TABLES: &str = "select c.relname::text
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm')
    order by c.relname";

const COLUMNS: &str = "select a.attname::text, format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then 'not null' else '' end,
        coalesce(case when a.attgenerated = 's' then 'generated ' else 'default ' end || pg_get_expr(d.adbin, d.adrelid), '')
    from pg_attribute a
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = format('%I.%I', $1, $2)::regclass and a.attnum > 0 and not a.attisdropped
    order by a.attnum";

/// Constraints, then indexes without a constraint.
const RULES: &str = "select name, definition
    from (
        select 1 as kind, case contype when 'p' then 1 when 'f' then 2 when 'u' then 3 else 4 end as part,
            conname::text as name, pg_get_constraintdef(oid) as definition
        from pg_constraint
        where conrelid = format('%I.%I', $1, $2)::regclass and contype in ('p', 'f', 'u', 'c', 'x')
        union all
        select 2, 0, i.relname::text, regexp_replace(pg_get_indexdef(x.indexrelid), ' ON .* USING ', ' using ')
        from pg_index x
        join pg_class i on i.oid = x.indexrelid
        where x.indrelid = format('%I.%I', $1, $2)::regclass
            and not exists (select from pg_constraint k where k.conindid = x.indexrelid)
    ) rules
    order by kind, part, name";

const POLICIES: &str =
    "select policyname::text, lower(permissive), lower(cmd), array_to_string(roles, ', '),
        case when qual = with_check then qual || ' (also written)'
            else concat_ws('; ', qual, 'written: ' || with_check) end
    from pg_policies
    where schemaname = $1 and tablename = $2
    order by permissive desc, policyname";

/// Privileges of every role except the owner.
const GRANTS: &str = "select grantee::text, string_agg(lower(privilege) || columns, ', ' order by privilege, columns)
    from (
        select pg_get_userbyid(g.grantee) as grantee, g.privilege_type as privilege, '' as columns
        from pg_class c, aclexplode(c.relacl) g
        where c.oid = format('%I.%I', $1, $2)::regclass and g.grantee <> c.relowner
        union all
        select pg_get_userbyid(g.grantee), g.privilege_type, ' (' || string_agg(a.attname, ', ' order by a.attname) || ')'
        from pg_attribute a, aclexplode(a.attacl) g
        where a.attrelid = format('%I.%I', $1, $2)::regclass
        group by 1, 2
    ) grants
    group by grantee
    order by grantee";

const ROW_SECURITY: &str = "select relrowsecurity, relforcerowsecurity
    from pg_class
    where oid = format('%I.%I', $1, $2)::regclass";

/// `SECURITY DEFINER` functions and their callers.
const DEFINERS: &str = "select n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        pg_get_userbyid(p.proowner)::text, array_to_string(p.proconfig, ', '),
        coalesce((
            select string_agg(pg_get_userbyid(g.grantee), ', ' order by 1)
            from aclexplode(p.proacl) g
            where g.grantee <> p.proowner
        ), '')
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and n.nspname !~ '^pg_'
    order by 1";

/// Returns the page.
pub async fn page(connection: &mut PgConnection) -> Result<String, Error> {
    let mut page = header(
        "Schema",
        "The schema after all migrations. Every table with tenant data has row-level security enabled and forced, a \
         restrictive policy `tenant_lock` in addition to the permissive one, and `tenant_id` first in every key.",
    );
    for schema in names(connection, SCHEMAS, &[]).await? {
        // Writing into a String cannot fail.
        _ = write!(page, "\n## {schema}\n");
        for table in names(connection, TABLES, &[&schema]).await? {
            describe(connection, &mut page, &schema, &table).await?;
        }
    }
    _ = write!(
        page,
        "\n## SECURITY DEFINER functions\n\n| function | owner | settings | callers |\n| --- | --- | --- | --- |\n"
    );
    for row in texts(connection, DEFINERS, &[]).await? {
        _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            row[0], row[1], row[2], row[3]
        );
    }
    Ok(page)
}

async fn describe(
    connection: &mut PgConnection,
    page: &mut String,
    schema: &str,
    table: &str,
) -> Result<(), Error> {
    let arguments = [schema, table];
    _ = write!(
        page,
        "\n### {schema}.{table}\n\n| column | type | |\n| --- | --- | --- |\n"
    );
    for row in texts(connection, COLUMNS, &arguments).await? {
        let rest = format!("{} {}", row[2], row[3]);
        _ = writeln!(
            page,
            "| {} | {} | {} |",
            row[0],
            row[1],
            table_cell(rest.trim())
        );
    }
    page.push('\n');
    for row in texts(connection, RULES, &arguments).await? {
        _ = writeln!(page, "- `{}`: {}", row[0], row[1]);
    }
    let (enabled, forced): (bool, bool) = sqlx::query_as(ROW_SECURITY)
        .bind(schema)
        .bind(table)
        .fetch_one(&mut *connection)
        .await?;
    _ = writeln!(
        page,
        "- row-level security: {}",
        match (enabled, forced) {
            (true, true) => "enabled, forced",
            (true, false) => "enabled, not forced",
            _ => "none (no tenant data)",
        }
    );
    for row in texts(connection, POLICIES, &arguments).await? {
        _ = writeln!(
            page,
            "- policy `{}`, {}, {} for {}: {}",
            row[0],
            row[1],
            row[2],
            row[3],
            describe_policy(&row[4])
        );
    }
    for row in texts(connection, GRANTS, &arguments).await? {
        _ = writeln!(page, "- `{}` may {}", row[0], row[1]);
    }
    Ok(())
}

/// Replaces the expression of the tenant policies by words, because PostgreSQL releases print it differently.
fn describe_policy(policy: &str) -> String {
    let own = "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid";
    match policy.split_once(own) {
        Some(("", rest)) => {
            let rest = rest.trim_start_matches(" AS \"nullif\"");
            format!(
                "rows of the current tenant{}",
                rest.trim_start_matches("))")
            )
        }
        _ => policy.to_owned(),
    }
}

async fn names(
    connection: &mut PgConnection,
    query: &'static str,
    arguments: &[&str],
) -> Result<Vec<String>, Error> {
    let rows = texts(connection, query, arguments).await?;
    Ok(rows.into_iter().flatten().collect())
}

/// Runs a query and returns its rows as text.
async fn texts(
    connection: &mut PgConnection,
    query: &'static str,
    arguments: &[&str],
) -> Result<Vec<Vec<String>>, Error> {
    let query = arguments
        .iter()
        .fold(sqlx::query(query), |query, argument| query.bind(*argument));
    let rows = query.fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            (0..row.len())
                .map(|column| {
                    Ok(row
                        .try_get::<Option<String>, _>(column)?
                        .unwrap_or_default())
                })
                .collect()
        })
        .collect()
}
