-- Settings that hold for every tenant that has not chosen for itself: between the defaults in the code and the tenant's own.
--
-- They belong to the platform, not to a tenant; only its staff writes them. What is in force for a tenant is mirrored to
-- access.tenants when it changes something itself, and by a job when the platform does. There are none yet.

create table tenancy.platform_settings (
    key text not null,
    value jsonb not null,
    updated_at timestamptz not null,
    constraint platform_settings_pkey primary key (key)
);
grant select, insert, update, delete on tenancy.platform_settings to rvz_tenancy;
grant select on tenancy.platform_settings to rvz_dumper;

call access.grant_builtin('tenancy.platform.read', superadmin => 'all');
call access.grant_builtin('tenancy.platform.update', superadmin => 'all');
