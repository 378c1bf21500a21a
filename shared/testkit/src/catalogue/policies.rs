//! Every table has exactly the policies of `access.protect`.

use std::{collections::BTreeMap, fmt};

use sqlx::{FromRow, PgConnection};

use super::{app_role, lists::Lists, query_rows, tables::Table};

/// The expression of tenant policies.
const TENANT_EXPRESSION: &str = "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid))";

#[derive(FromRow)]
struct Row {
    relation: String,
    policy: String,
    permissive: bool,
    command: String,
    roles: Vec<String>,
    using: Option<String>,
    with_check: Option<String>,
}

const POLICIES: &str = "
select
    r.name as relation, p.polname::text as policy, p.polpermissive as permissive,
    case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end as command,
    array(
        select case when role_oid = 0 then 'public' else pg_catalog.pg_get_userbyid(role_oid)::text end
        from unnest(p.polroles) role_oid
    ) as roles,
    pg_catalog.pg_get_expr(p.polqual, p.polrelid) as using,
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as with_check
from pg_catalog.pg_policy p
join relations r on r.oid = p.polrelid
order by r.name, p.polname";

#[derive(PartialEq, Eq)]
struct Policy {
    permissive: bool,
    command: String,
    role: String,
    using: Option<String>,
    with_check: Option<String>,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.permissive {
            "permissive"
        } else {
            "restrictive"
        };
        write!(f, "{kind} for {} to {}", self.command, self.role)?;
        for (word, expression) in [("using", &self.using), ("with check", &self.with_check)] {
            if let Some(expression) = expression {
                write!(f, " {word} {expression}")?;
            }
        }
        Ok(())
    }
}

impl From<Row> for Policy {
    fn from(row: Row) -> Self {
        // Some PostgreSQL versions name the column of the sub-select, newer ones do not.
        let plain = |text: String| text.replace(" AS \"nullif\"", "");
        Self {
            permissive: row.permissive,
            command: row.command,
            role: row.roles.join(", "),
            using: row.using.map(plain),
            with_check: row.with_check.map(plain),
        }
    }
}

pub(super) async fn violations(
    connection: &mut PgConnection,
    tables: &[Table],
    lists: &Lists,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut actual: BTreeMap<(String, String), Policy> = BTreeMap::new();
    for row in query_rows::<Row>(connection, POLICIES).await {
        actual.insert((row.relation.clone(), row.policy.clone()), row.into());
    }
    for table in tables.iter().filter(|table| table.has_tenants()) {
        for (policy, wanted) in protection(table, lists) {
            let name = &table.name;
            match actual.remove(&(name.clone(), policy.to_owned())) {
                Some(is) if is == wanted => {}
                Some(is) => found.push(format!(
                    "Policy {policy} on {name} is {is}, and must be {wanted}: drop it and make it as `access.protect` does."
                )),
                None => found.push(format!("{name} lacks the policy {policy}, {wanted}: `call access.protect('{name}', ...)`.")),
            }
        }
    }
    found.extend(actual.iter().map(|((table, policy), is)| {
        format!("Policy {policy} on {table} ({is}) is none of `access.protect`: drop it, or list it in its context's database exceptions if a definer function needs it.")
    }));
    found
}

/// The required policies of a table.
fn protection(table: &Table, lists: &Lists) -> Vec<(&'static str, Policy)> {
    let policy =
        |permissive, command: &str, role: &str, using: &str, with_check: Option<&str>| Policy {
            permissive,
            command: command.to_owned(),
            role: role.to_owned(),
            using: Some(using.to_owned()),
            with_check: with_check.map(str::to_owned),
        };
    let app = app_role(&table.schema);
    let mut wanted = vec![
        (
            "tenant_lock",
            policy(
                false,
                "all",
                &app,
                TENANT_EXPRESSION,
                Some(TENANT_EXPRESSION),
            ),
        ),
        (
            "tenant_rows",
            policy(
                true,
                "all",
                &app,
                TENANT_EXPRESSION,
                Some(TENANT_EXPRESSION),
            ),
        ),
        (
            "backfill",
            policy(true, "all", "rvz_migrator", "true", Some("true")),
        ),
        ("dump", policy(true, "select", "rvz_dumper", "true", None)),
    ];
    if let Some((_, command)) = lists
        .definer_policies
        .iter()
        .find(|(name, _)| *name == table.name)
    {
        let with_check = (*command == "all").then_some("true");
        wanted.push((
            "definer",
            policy(true, command, "rvz_definer", "true", with_check),
        ));
    }
    wanted
}
