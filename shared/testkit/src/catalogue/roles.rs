//! Roles: attributes, memberships, ownership and settings.

use sqlx::{FromRow, PgConnection};

use super::query_rows;

/// Roles that do not belong to a function.
const SPECIAL: [&str; 5] = [
    "rvz_app",
    "rvz_definer",
    "rvz_dumper",
    "rvz_migrator",
    "rvz_owner",
];

#[derive(FromRow)]
struct Role {
    name: String,
    powers: Vec<String>,
    login: bool,
    inherits: bool,
}

const ROLES: &str = "
select
    r.rolname::text as name, r.rolcanlogin as login, r.rolinherit as inherits,
    array_remove(array[
        case when r.rolsuper then 'superuser' end,
        case when r.rolbypassrls then 'bypassrls' end,
        case when r.rolcreaterole then 'createrole' end,
        case when r.rolcreatedb then 'createdb' end,
        case when r.rolreplication then 'replication' end
    ], null) as powers
from pg_catalog.pg_roles r
where starts_with(r.rolname, 'rvz_')
order by r.rolname";

#[derive(FromRow)]
struct Membership {
    role: String,
    member: String,
    administrator: bool,
}

const MEMBERSHIPS: &str = "
select g.rolname::text as role, m.rolname::text as member, (m.rolsuper or m.rolname = session_user) as administrator
from pg_catalog.pg_auth_members a
join pg_catalog.pg_roles g on g.oid = a.roleid
join pg_catalog.pg_roles m on m.oid = a.member
where starts_with(g.rolname, 'rvz_') or starts_with(m.rolname, 'rvz_')
order by 1, 2";

#[derive(FromRow)]
struct Detail {
    role: String,
    detail: String,
}

/// Objects owned by roles that should own nothing; functions of `rvz_definer` are checked separately.
const OWNED_OBJECTS: &str = "
select r.rolname::text as role, pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) as detail
from pg_catalog.pg_shdepend d
join pg_catalog.pg_roles r on r.oid = d.refobjid
where d.refclassid = 'pg_catalog.pg_authid'::regclass
    and d.deptype = 'o'
    and d.dbid in (0, (select b.oid from pg_catalog.pg_database b where b.datname = current_database()))
    and starts_with(r.rolname, 'rvz_')
    and r.rolname <> 'rvz_owner'
    and not (r.rolname = 'rvz_definer' and d.classid = 'pg_catalog.pg_proc'::regclass)
order by 1, 2";

/// Settings that would apply before a tenant is set, or change name resolution.
const SETTINGS: &str = "
select coalesce(r.rolname::text, 'everybody') as role, setting as detail
from pg_catalog.pg_db_role_setting s
cross join lateral unnest(s.setconfig) setting
left join pg_catalog.pg_roles r on r.oid = s.setrole
where (s.setrole = 0 or starts_with(r.rolname, 'rvz_'))
    and s.setdatabase in (0, (select b.oid from pg_catalog.pg_database b where b.datname = current_database()))
    and setting ~ '^(app\\.|role=|row_security=|search_path=|session_replication_role=|session_authorization=)'
order by 1, 2";

const PARAMETERS: &str = "
select coalesce(r.rolname::text, 'public') as role, p.parname as detail
from pg_catalog.pg_parameter_acl p
cross join lateral pg_catalog.aclexplode(p.paracl) a
left join pg_catalog.pg_roles r on r.oid = a.grantee
where a.grantee = 0 or starts_with(r.rolname, 'rvz_')
order by 1, 2";

pub(super) async fn violations(connection: &mut PgConnection) -> Vec<String> {
    let mut found = Vec::new();
    for role in query_rows::<Role>(connection, ROLES).await {
        found.extend(role.violations());
    }
    for Membership {
        role,
        member,
        administrator,
    } in query_rows(connection, MEMBERSHIPS).await
    {
        let may_administrate = administrator && is_ours(&role) && !is_ours(&member);
        if !may_administrate && !belongs(&role, &member) {
            found.push(format!(
                "{member} is a member of {role} and must not be: `revoke {role} from {member}`."
            ));
        }
    }
    for Detail { role, detail } in query_rows(connection, OWNED_OBJECTS).await {
        found.push(format!("{role} owns the {detail}, but owners bypass row-level security and grants: change the owner to rvz_owner."));
    }
    for Detail { role, detail } in query_rows(connection, SETTINGS).await {
        found.push(format!(
            "`{detail}` is preset for {role}: reset it, as it may only be set by transactions."
        ));
    }
    for Detail { role, detail } in query_rows(connection, PARAMETERS).await {
        found.push(format!(
            "{role} may change the parameter {detail}: revoke it."
        ));
    }
    found
}

impl Role {
    fn violations(&self) -> Vec<String> {
        let name = &self.name;
        let mut found = Vec::new();
        for power in &self.powers {
            found.push(format!(
                "{name} has {power}: `alter role {name} no{power}`."
            ));
        }
        if self.login && !name.ends_with("_login") {
            found.push(format!(
                "{name} is a group role and can log in: `alter role {name} nologin`."
            ));
        }
        if name == "rvz_owner" && self.inherits {
            found.push(format!(
                "{name} inherits the policies of rvz_migrator and rvz_definer, so forced row-level security does not bind it: `alter role {name} noinherit`."
            ));
        }
        found
    }
}

fn is_ours(role: &str) -> bool {
    role.starts_with("rvz_")
}

/// `rvz_<function>`.
fn is_group(role: &str) -> bool {
    is_ours(role) && !role.ends_with("_login") && !SPECIAL.contains(&role)
}

/// Functions are members of `rvz_app`, their logins of the function; the owner may become migrator and definer.
fn belongs(role: &str, member: &str) -> bool {
    (role == "rvz_app" && is_group(member))
        || (is_group(role) && member == format!("{role}_login"))
        || (member == "rvz_owner" && (role == "rvz_migrator" || role == "rvz_definer"))
}
