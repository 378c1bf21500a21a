-- Group roles, older than every table; run before the migrations, each time, by an administrator.
--
-- rvz_owner     owns all schemas and tables; migrations run as it. No login, and row-level security is forced on it too.
-- rvz_migrator  backfills: `set local role rvz_migrator` inside a migration; policies show it every row.
-- rvz_dumper    backups read through it.
-- rvz_definer   owns the few SECURITY DEFINER functions, with policies of its own.
-- rvz_app       what all functions share: the schemas access and events. Each function has a role rvz_<function> in it.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['rvz_owner', 'rvz_migrator', 'rvz_dumper', 'rvz_definer', 'rvz_app'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            execute format('create role %I nologin noinherit', wanted);
        end if;
    end loop;
    execute format('grant rvz_owner, rvz_migrator, rvz_definer to %I', current_user);
    execute format('grant create, temporary on database %I to rvz_owner', current_database());
end
$$;

grant rvz_migrator, rvz_definer to rvz_owner;
grant usage, create on schema public to rvz_owner;
