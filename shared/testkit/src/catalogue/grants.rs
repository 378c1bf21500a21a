//! Privileges: a function may access its own schema, and only what is listed elsewhere.

use std::collections::BTreeSet;

use sqlx::{FromRow, PgConnection};

use super::{app_role, lists::Lists, query_rows};

#[derive(FromRow)]
struct Grant {
    kind: String,
    schema: String,
    object: String,
    column_name: Option<String>,
    grantee: String,
    privilege: String,
    grantable: bool,
}

/// Includes default privileges: functions are executable by everyone unless revoked.
const ACTUAL: &str = "
, granted as (
    select r.kind, r.schema, r.name as object, null::text as column_name, r.owner,
        coalesce(r.acl, pg_catalog.acldefault(case when r.kind = 'sequence' then 's' else 'r' end::\"char\", r.owner)) as acl
    from relations r
    union all
    select r.kind, r.schema, r.name, a.attname::text, r.owner, a.attacl
    from relations r
    join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attacl is not null
    union all
    select 'function', f.schema, f.name, null, f.owner, coalesce(f.acl, pg_catalog.acldefault('f', f.owner))
    from functions f
    union all
    select 'schema', s.schema, s.schema, null, s.owner, coalesce(s.acl, pg_catalog.acldefault('n', s.owner))
    from schemas s
)
select
    g.kind, g.schema, g.object, g.column_name, coalesce(r.rolname::text, 'public') as grantee,
    lower(a.privilege_type) as privilege, a.is_grantable as grantable
from granted g
cross join lateral pg_catalog.aclexplode(g.acl) a
left join pg_catalog.pg_roles r on r.oid = a.grantee
where a.grantee <> g.owner
order by g.object, 5, 6";

#[derive(FromRow)]
struct MissingPrivilege {
    role: String,
    privilege: String,
    relation: String,
}

/// Privileges that dumps and backfills need on every table.
const MISSING_PRIVILEGES: &str = "
, needed as (
    select r.oid, r.schema, r.name, 'rvz_dumper' as role, 'select' as privilege
    from relations r
    where r.kind in ('table', 'partition', 'sequence')
    union all
    select r.oid, r.schema, r.name, 'rvz_migrator', privilege
    from relations r
    join tenant_columns t on t.relation_oid = r.oid
    cross join unnest(array['select', 'insert', 'update', 'delete']) privilege
    where r.kind in ('table', 'partition')
)
select n.role, n.privilege, n.name as relation
from needed n
where not has_table_privilege(n.role, n.oid, n.privilege) or not has_schema_privilege(n.role, n.schema, 'usage')
order by n.name, n.role, n.privilege";

#[derive(FromRow)]
struct Default {
    maker: String,
    place: String,
}

const DEFAULTS: &str = "
select pg_catalog.pg_get_userbyid(d.defaclrole)::text as maker, coalesce('schema ' || n.nspname, 'every schema') as place
from pg_catalog.pg_default_acl d
left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
order by 1, 2";

pub(super) async fn violations(connection: &mut PgConnection, lists: &Lists) -> Vec<String> {
    let mut found = Vec::new();
    let mut missing: BTreeSet<_> = listed(lists).collect();
    for grant in query_rows::<Grant>(connection, ACTUAL).await {
        let right = grant.right();
        let Grant {
            kind,
            object,
            grantee,
            ..
        } = &grant;
        let line =
            listed(lists).find(|line| *line == (grantee.as_str(), object.as_str(), right.as_str()));
        if let Some(line) = line {
            missing.remove(&line);
        } else if !grant.is_allowed(lists) {
            found.push(format!(
                "{grantee} may {right} on the {kind} {object}: revoke it, or list it in its context's database exceptions if it is meant."
            ));
        }
        if grant.grantable {
            found.push(format!(
                "{grantee} may pass on `{right}` on the {kind} {object}: revoke the grant option."
            ));
        }
    }
    found.extend(missing.iter().map(|(role, table, right)| {
        format!("{role} may not {right} on {table}, although the database exceptions say so: remove it there, or grant it.")
    }));
    for MissingPrivilege {
        role,
        privilege,
        relation,
    } in query_rows(connection, MISSING_PRIVILEGES).await
    {
        found.push(format!(
            "{role} lacks {privilege} on {relation}: grant it, and usage on the schema."
        ));
    }
    for Default { maker, place } in query_rows(connection, DEFAULTS).await {
        found.push(format!("Objects created by {maker} in {place} have default privileges: grant privileges with each object, and drop the default."));
    }
    found
}

/// The listed privileges, one by one.
fn listed(lists: &Lists) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    lists.grants.iter().flat_map(|(role, table, rights)| {
        rights.split(", ").map(move |right| (*role, *table, right))
    })
}

impl Grant {
    /// `select`, or `update (last_used_at)`.
    fn right(&self) -> String {
        match &self.column_name {
            Some(column) => format!("{} ({column})", self.privilege),
            None => self.privilege.clone(),
        }
    }

    /// Whether the privilege is allowed without being listed.
    fn is_allowed(&self, lists: &Lists) -> bool {
        let rows = matches!(
            self.privilege.as_str(),
            "select" | "insert" | "update" | "delete"
        );
        match (self.grantee.as_str(), self.kind.as_str()) {
            // `create` was PostgreSQL's default before 15, and is not allowed.
            ("public", "schema") => self.object == "public" && self.privilege == "usage",
            ("public", _) => false,
            // sqlx keeps its table there, and extensions are installed there.
            ("rvz_owner", "schema") => self.object == "public",
            ("rvz_migrator" | "rvz_dumper" | "rvz_definer", "schema") => self.privilege == "usage",
            ("rvz_migrator", "table") => rows,
            ("rvz_dumper", _) => self.privilege == "select",
            (_, "schema") => {
                self.privilege == "usage"
                    && (self.is_own_schema() || self.has_callable_definer(lists))
            }
            (_, "function") => lists.definers.contains(&(&self.object, &self.grantee)),
            // Materialised views have no policies, partitions do not inherit their parent's, and sequences reveal activity of others.
            (_, "table" | "view") => rows && self.is_own_schema() && !self.is_shared(),
            _ => false,
        }
    }

    fn is_own_schema(&self) -> bool {
        self.grantee == app_role(&self.schema)
    }

    /// Whether all grants on the schema must be listed.
    fn is_shared(&self) -> bool {
        matches!(self.schema.as_str(), "access" | "events" | "public")
    }

    /// Usage on the schema of a definer function that the role may call.
    fn has_callable_definer(&self, lists: &Lists) -> bool {
        lists.definers.iter().any(|(function, executor)| {
            *executor == self.grantee && function.split('.').next() == Some(&self.schema)
        })
    }
}
