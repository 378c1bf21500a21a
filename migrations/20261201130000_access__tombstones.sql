-- What is left of rows that were deleted for good, so that whoever has a copy of a list learns of it (`?sync=`): list, identifier and
-- version, for 90 days. Rows that are only marked as deleted need none. Nothing that was deleted before is listed.

create table access.tombstones (
    tenant_id uuid not null,
    list text not null,
    id text not null,
    version integer not null,
    deleted_at timestamptz not null,
    constraint tombstones_pkey primary key (tenant_id, list, id)
);
create index tombstones_deleted_idx on access.tombstones (tenant_id, list, deleted_at, id);
call access.protect('access.tombstones', 'rvz_app');
grant select, insert, update, delete on access.tombstones to rvz_app;
