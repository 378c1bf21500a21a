//! Breaks one rule at a time, each rolled back: the linter must find every violation and name the object.

use platform::functions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use testkit::{Database, catalogue};

use crate::rows;

/// A schema change that breaks a rule, and the text that the violation must contain.
struct Mutant {
    sql: String,
    culprit: String,
}

#[tokio::test]
async fn every_broken_policy_of_every_tenant_table_is_found() {
    let database = Database::create().await;
    let mut admin = database.admin().await;
    let tables = rows::tenant_tables(&mut admin).await;
    let mut caught = 0;
    for table in &tables {
        for mutant in policy_mutants(&table.name, &table.app_role()) {
            caught += catch(&mut admin, &mutant).await;
        }
    }
    println!(
        "policy mutants caught: {caught} of {caught}, on {} tables",
        tables.len()
    );
    assert_eq!(caught, tables.len() * 11);
}

fn policy_mutants(table: &str, role: &str) -> Vec<Mutant> {
    [
        format!("drop policy tenant_lock on {table}"),
        format!("drop policy tenant_rows on {table}"),
        format!("alter policy tenant_lock on {table} using (true)"),
        format!("alter policy tenant_lock on {table} with check (true)"),
        format!("alter policy tenant_rows on {table} with check (true)"),
        format!("alter table {table} no force row level security"),
        format!("alter table {table} disable row level security"),
        format!("create policy extra on {table} to {role} using (true)"),
        format!("create policy extra on {table} for select to public using (true)"),
        format!("alter policy backfill on {table} to rvz_migrator, {role}"),
        format!("alter policy dump on {table} to public"),
    ]
    .into_iter()
    .map(|sql| Mutant {
        sql,
        culprit: table.to_owned(),
    })
    .collect()
}

#[tokio::test]
async fn every_other_violation_is_found() {
    let database = Database::create().await;
    let mut admin = database.admin().await;
    let mut caught = 0;
    for (culprit, sql) in MUTANTS {
        caught += catch(
            &mut admin,
            &Mutant {
                sql: (*sql).to_owned(),
                culprit: (*culprit).to_owned(),
            },
        )
        .await;
    }
    println!("other mutants caught: {caught} of {}", MUTANTS.len());
}

/// Returns 1 if the mutant is caught, and panics otherwise.
async fn catch(admin: &mut PgConnection, mutant: &Mutant) -> usize {
    let Mutant { sql, culprit } = mutant;
    let mut tx = admin.begin().await.unwrap();
    tx.execute(sqlx::raw_sql(AssertSqlSafe(sql.clone())))
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let found = catalogue::violations(&mut tx, functions::ALL).await;
    tx.rollback().await.unwrap();
    assert!(
        found.iter().any(|sentence| sentence.contains(culprit)),
        "`{sql}` survives, found: {found:#?}"
    );
    1
}

/// The expected text, and the change.
const MUTANTS: &[(&str, &str)] = &[
    // Tables.
    ("support.notes", "create table support.notes (note_id uuid, constraint notes_pkey primary key (note_id))"),
    (
        "support.notes has row-level security switched off",
        "create table support.notes (tenant_id uuid not null, note_id uuid, constraint notes_pkey primary key (tenant_id, note_id))",
    ),
    ("public.notes", "create table public.notes (note_id uuid, constraint notes_pkey primary key (note_id))"),
    ("support.tickets has a tenant_id that is not", "alter table support.ticket_history drop constraint ticket_history_pkey; alter table support.tickets drop constraint tickets_pkey cascade, drop constraint tickets_number_key; alter table support.tickets alter tenant_id drop not null"),
    ("access.builtin_grants is listed", "drop table access.builtin_grants"),
    // Keys and indexes.
    ("support.tickets_title_idx", "create index tickets_title_idx on support.tickets (title)"),
    ("support.tickets_title_idx", "create index tickets_title_idx on support.tickets (title, tenant_id)"),
    ("support.tickets_title_idx", "create index tickets_title_idx on support.tickets ((tenant_id::text), title)"),
    ("support.tickets_team_key", "create unique index tickets_team_key on support.tickets (team)"),
    ("support.tickets_team_key", "alter table support.tickets add constraint tickets_team_key unique (team)"),
    (
        "support.ticket_history_pkey",
        "alter table support.ticket_history drop constraint ticket_history_pkey, add constraint ticket_history_pkey primary key (ticket_history_id)",
    ),
    ("support.ticket_history has no primary key", "alter table support.ticket_history drop constraint ticket_history_pkey"),
    (
        "support.ticket_comments_reply_fkey",
        "alter table support.tickets add constraint tickets_id_key unique (ticket_id);
        alter table support.ticket_comments add constraint ticket_comments_reply_fkey foreign key (ticket_id) references support.tickets (ticket_id)",
    ),
    (
        "does not refer to support.tickets by tenant_id first",
        "alter table support.tickets add constraint tickets_turned_key unique (ticket_id, tenant_id);
        alter table support.ticket_comments add constraint ticket_comments_turned_fkey foreign key (tenant_id, ticket_id) references support.tickets (ticket_id, tenant_id)",
    ),
    (
        "support.ticket_comments_key_fkey",
        "alter table support.ticket_comments add constraint ticket_comments_key_fkey foreign key (author_kind) references access.signing_keys (key_id)",
    ),
    (
        "access.signing_keys_tenant_fkey",
        "alter table access.tenants add constraint tenants_name_key unique (name);
        alter table access.signing_keys add constraint signing_keys_tenant_fkey foreign key (key_id) references access.tenants (name)",
    ),
    (
        "was never validated",
        "alter table support.tickets add constraint tickets_team_check check (team <> '') not valid",
    ),
    (
        "support.tickets_tenant_id_assigned_to_fkey",
        "alter table support.tickets add foreign key (tenant_id, assigned_to) references access.people",
    ),
    ("support.tickets_check", "alter table support.tickets add check (created_at <= updated_at)"),
    ("access.tenants_slug_key is listed", "alter table access.tenants drop constraint tenants_slug_key"),
    // Views, types and other objects.
    ("support.open_tickets", "create view support.open_tickets as select ticket_id from support.tickets"),
    (
        "support.open_tickets",
        "create view support.open_tickets with (security_invoker = false) as select ticket_id from support.tickets",
    ),
    (
        "materialised view support.open_tickets",
        "create materialized view support.open_tickets as select ticket_id from support.tickets;
        grant select on support.open_tickets to rvz_support",
    ),
    (
        "partition support.usage_2026",
        "create table support.usage (tenant_id uuid not null, day date not null, constraint usage_pkey primary key (tenant_id, day)) partition by range (day);
        call access.protect('support.usage', 'rvz_support');
        create table support.usage_2026 partition of support.usage for values from ('2026-01-01') to ('2027-01-01');
        call access.protect('support.usage_2026', 'rvz_support');
        grant select on support.usage_2026 to rvz_support",
    ),
    (
        "support.usage_2026 has row-level security switched off",
        "create table support.usage (tenant_id uuid not null, day date not null, constraint usage_pkey primary key (tenant_id, day)) partition by range (day);
        call access.protect('support.usage', 'rvz_support');
        create table support.usage_2026 partition of support.usage for values from ('2026-01-01') to ('2027-01-01')",
    ),
    (
        "sequence support.numbers",
        "create sequence support.numbers; grant usage on sequence support.numbers to rvz_support",
    ),
    (
        "foreign table support.elsewhere",
        "create foreign data wrapper nothing; create server nowhere foreign data wrapper nothing;
        create foreign table support.elsewhere (tenant_id uuid not null) server nowhere;
        grant select on support.elsewhere to rvz_support",
    ),
    ("rewrite rule quietly", "create rule quietly as on delete to support.tickets do instead nothing"),
    ("support.tickets.mood", "create type support.mood as enum ('good', 'bad'); alter table support.tickets add mood support.mood"),
    ("support.mood is an enum", "create type support.mood as enum ('good', 'bad')"),
    (
        "support.tickets.moods",
        "create type support.mood as enum ('good', 'bad'); create domain support.feeling as support.mood;
        alter table support.tickets add moods support.feeling[]",
    ),
    (
        "support.tickets.mail",
        "create extension citext with schema public; alter table support.tickets add mail public.citext",
    ),
    ("Extension dblink", "create extension dblink with schema public"),
    // Definer functions.
    ("support.search_tickets", "alter function support.search_tickets owner to rvz_owner"),
    ("support.search_tickets", "alter function support.search_tickets owner to current_user"),
    ("support.search_tickets", "alter function support.search_tickets reset search_path"),
    ("support.search_tickets", "alter function support.search_tickets set search_path = public, pg_catalog, pg_temp"),
    ("support.search_tickets", "alter function support.search_tickets set role = 'rvz_owner'"),
    ("support.search_tickets", "alter function support.search_tickets security invoker"),
    ("support.search_tickets", "grant execute on function support.search_tickets to public"),
    ("support.search_tickets", "grant execute on function support.search_tickets to rvz_identity"),
    ("support.search_tickets", "revoke execute on function support.search_tickets from rvz_support"),
    ("support.search_tickets", "drop function support.search_tickets"),
    (
        "support.search_tickets exists 2 times",
        "create function support.search_tickets(most integer) returns setof uuid language sql security definer as 'select null::uuid'",
    ),
    ("support.peek", "create function support.peek() returns integer language sql security definer as 'select 1'; revoke execute on function support.peek from public"),
    (
        "support.peek",
        "create function support.peek() returns integer language sql set search_path = pg_catalog, pg_temp as 'select 1';
        call access.define('support.peek()', 'rvz_support')",
    ),
    // Roles.
    ("rvz_support has bypassrls", "alter role rvz_support bypassrls"),
    ("rvz_support_login has bypassrls", "alter role rvz_support_login bypassrls"),
    ("rvz_app has superuser", "alter role rvz_app superuser"),
    ("rvz_owner has superuser", "alter role rvz_owner superuser"),
    ("rvz_definer has bypassrls", "alter role rvz_definer bypassrls"),
    ("rvz_migrator has createrole", "alter role rvz_migrator createrole"),
    ("rvz_support_login has createdb", "alter role rvz_support_login createdb"),
    ("rvz_dumper has replication", "alter role rvz_dumper replication"),
    ("rvz_support is a group role", "alter role rvz_support login"),
    ("rvz_owner inherits", "alter role rvz_owner inherit"),
    ("rvz_support is a member of rvz_owner", "grant rvz_owner to rvz_support"),
    ("rvz_support_login is a member of rvz_identity", "grant rvz_identity to rvz_support_login"),
    ("rvz_app is a member of rvz_definer", "grant rvz_definer to rvz_app"),
    ("rvz_support is a member of pg_read_all_data", "grant pg_read_all_data to rvz_support"),
    ("visitor is a member of rvz_support", "create role visitor login; grant rvz_support to visitor"),
    ("rvz_support owns the table support.ticket_history", "alter table support.ticket_history owner to rvz_support"),
    ("rvz_support_login owns the schema", "create schema own authorization rvz_support_login"),
    ("rvz_app owns the function", "create function support.peek() returns integer language sql as 'select 1'; alter function support.peek owner to rvz_app"),
    ("rvz_definer owns the table support.ticket_history", "alter table support.ticket_history owner to rvz_definer"),
    ("table support.ticket_history belongs to", "alter table support.ticket_history owner to current_user"),
    ("app.tenant_id=", "alter role rvz_support set app.tenant_id = '00000000-0000-7000-8000-000000000001'"),
    ("is preset for everybody", "alter role all set app.tenant_id = '00000000-0000-7000-8000-000000000001'"),
    ("search_path=", "alter role rvz_support_login set search_path = support, public"),
    ("rvz_support may change the parameter session_replication_role", "grant set on parameter session_replication_role to rvz_support"),
    // Grants.
    ("public may select on the table support.tickets", "grant select on support.tickets to public"),
    ("public may select (title) on the table support.tickets", "grant select (title) on support.tickets to public"),
    ("public may usage on the schema support", "grant usage on schema support to public"),
    ("public may create on the schema public", "grant create on schema public to public"),
    ("public may execute on the function access.protect", "grant execute on procedure access.protect to public"),
    ("public may execute on the function support.peek", "create function support.peek() returns integer language sql as 'select 1'"),
    ("rvz_tenancy may select on the table support.tickets", "grant select on support.tickets to rvz_tenancy"),
    ("rvz_tenancy may select (title) on the table support.tickets", "grant select (title) on support.tickets to rvz_tenancy"),
    ("rvz_tenancy may usage on the schema support", "grant usage on schema support to rvz_tenancy"),
    ("rvz_tenancy may select on the table identity.users", "grant select on identity.users to rvz_tenancy"),
    ("rvz_support may update on the table access.roles", "grant update on access.roles to rvz_support"),
    ("rvz_support may select on the table access.tenants", "grant select on access.tenants to rvz_support"),
    ("rvz_app may delete on the table access.people", "grant delete on access.people to rvz_app"),
    ("rvz_app may update (revoked_at) on the table access.api_keys", "grant update (revoked_at) on access.api_keys to rvz_app"),
    ("rvz_app may select on the table support.tickets", "grant select on support.tickets to rvz_app"),
    ("rvz_app may create on the schema access", "grant create on schema access to rvz_app"),
    ("rvz_support may truncate on the table support.tickets", "grant truncate on support.tickets to rvz_support"),
    ("rvz_support may references on the table support.tickets", "grant references on support.tickets to rvz_support"),
    ("rvz_support may create on the schema support", "grant create on schema support to rvz_support"),
    ("rvz_support_login may select on the table support.tickets", "grant select on support.tickets to rvz_support_login"),
    ("rvz_definer may select on the table support.ticket_comments", "grant select on support.ticket_comments to rvz_definer"),
    ("rvz_dumper may insert on the table support.tickets", "grant insert on support.tickets to rvz_dumper"),
    ("rvz_dumper lacks select on support.tickets", "revoke select on support.tickets from rvz_dumper"),
    ("rvz_dumper lacks select on support.tickets", "revoke usage on schema support from rvz_dumper"),
    ("rvz_migrator lacks delete on support.tickets", "revoke delete on support.tickets from rvz_migrator"),
    ("rvz_support may pass on `select`", "grant select on support.tickets to rvz_support with grant option"),
    ("rvz_identity may not insert on access.people", "revoke insert on access.people from rvz_identity"),
    ("in schema support have default privileges", "alter default privileges in schema support grant select on tables to public"),
    ("in every schema have default privileges", "alter default privileges for role rvz_owner grant select on tables to rvz_support"),
];
