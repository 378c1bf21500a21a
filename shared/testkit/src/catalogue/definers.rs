//! The SECURITY DEFINER functions are exactly the listed ones, because they see all tenants.

use sqlx::{FromRow, PgConnection};

use super::{lists::Lists, query_rows};

#[derive(FromRow)]
struct Function {
    name: String,
    owner: String,
    definer: bool,
    settings: Vec<String>,
    executors: Vec<String>,
}

/// Functions owned by `rvz_definer` are included even if they run as their caller.
const FUNCTIONS: &str = "
select
    f.name, pg_catalog.pg_get_userbyid(f.owner)::text as owner, f.definer, coalesce(f.settings, '{}') as settings,
    array(
        select coalesce(g.rolname::text, 'public')
        from pg_catalog.aclexplode(coalesce(f.acl, pg_catalog.acldefault('f', f.owner))) a
        left join pg_catalog.pg_roles g on g.oid = a.grantee
        where a.grantee <> f.owner
        order by 1
    ) as executors
from functions f
where f.definer or pg_catalog.pg_get_userbyid(f.owner) = 'rvz_definer'
order by f.name";

pub(super) async fn violations(connection: &mut PgConnection, lists: &Lists) -> Vec<String> {
    let mut found = Vec::new();
    let functions: Vec<Function> = query_rows(connection, FUNCTIONS).await;
    for Function {
        name,
        owner,
        definer,
        settings,
        executors,
    } in &functions
    {
        let Some((_, executor)) = lists.definers.iter().find(|(listed, _)| listed == name) else {
            found.push(format!(
                "Function {name} is a SECURITY DEFINER or belongs to rvz_definer, but is not listed: make it run as its caller, or list it in its context's database exceptions."
            ));
            continue;
        };
        if !definer {
            found.push(format!("Function {name} is listed as SECURITY DEFINER but is not one: remove it from the database exceptions."));
        }
        if owner != "rvz_definer" {
            found.push(format!(
                "Function {name} belongs to {owner}, under whose forced row-level security it sees nothing or too much: `call access.define(...)`."
            ));
        }
        if *settings != ["search_path=pg_catalog, pg_temp"] {
            found.push(format!(
                "Function {name} has the settings {settings:?}: give it exactly `set search_path = pg_catalog, pg_temp`."
            ));
        }
        if executors != &[*executor] {
            found.push(format!(
                "Function {name} can be called by {executors:?}, and must be for {executor} alone: `call access.define(...)`."));
        }
    }
    for (name, _) in &lists.definers {
        match functions.iter().filter(|function| function.name == *name).count() {
            1 => {}
            0 => found.push(format!("Function {name} is listed as a definer and does not exist: remove it from the database exceptions.")),
            count => found.push(format!("Function {name} exists {count} times: a definer function has no overloads.")),
        }
    }
    found
}
