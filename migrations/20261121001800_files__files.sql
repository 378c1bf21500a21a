-- Files: a row each from the moment an upload begins, how far its bytes have come, and how much room a tenant has taken.
--
-- The bytes themselves lie in a store under `object_key`, which is made of identifiers alone. An upload first leaves parts
-- (`files.parts`); one pass over them checks, hashes and copies them to the file's own place, so nothing that a client can
-- still write to is ever served. `due_at` says when a row needs a step that nobody asks for: a pending one expires, a scanning
-- one is worked on, a deleted one is purged, a settled one loses its parts; null means that nothing is left to do. Room is
-- reserved when an upload begins and becomes used room when it is settled, in one row a tenant. There are no rows yet.

create schema files;
grant usage on schema files to rvz_files, rvz_migrator, rvz_dumper, rvz_definer;

create table files.files (
    tenant_id uuid not null,
    file_id uuid not null,
    created_by_kind text not null,
    created_by_id uuid,
    resource_type text,
    resource_id uuid,
    internal boolean not null default false,
    category text not null,
    name text not null,
    original_name text not null,
    status text not null default 'pending',
    failure text,
    size bigint not null default 0,
    sha256 bytea,
    mime_type text,
    object_key text not null,
    preview_widths integer[] not null default '{}',
    revision_of uuid,
    revision integer not null default 1,
    superseded_at timestamptz,
    retention_until timestamptz,
    attempts integer not null default 0,
    due_at timestamptz,
    deleted_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint files_pkey primary key (tenant_id, file_id),
    constraint files_object_key unique (tenant_id, object_key),
    constraint files_revision_key unique (tenant_id, revision_of, revision),
    constraint files_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint files_revision_fkey foreign key (tenant_id, revision_of) references files.files,
    constraint files_resource_check check ((resource_type is null) = (resource_id is null)),
    constraint files_resource_type_check check (resource_type in ('ticket', 'user')),
    constraint files_category_check check (category in ('attachment', 'document', 'image', 'avatar')),
    constraint files_status_check check (
        status in ('pending', 'scanning', 'clean', 'infected', 'rejected', 'scan_failed', 'deleted')
    ),
    constraint files_clean_check check (status <> 'clean' or (sha256 is not null and mime_type is not null)),
    constraint files_size_check check (size >= 0),
    constraint files_sha256_check check (octet_length(sha256) = 32),
    constraint files_deleted_check check ((status = 'deleted') = (deleted_at is not null))
);
create index files_created_idx on files.files (tenant_id, created_at desc, file_id desc) where status <> 'deleted';
create index files_resource_idx on files.files (tenant_id, resource_type, resource_id, created_at desc, file_id desc) where status <> 'deleted';
create index files_creator_idx on files.files (tenant_id, created_by_id, created_at desc, file_id desc) where status <> 'deleted';
create index files_due_idx on files.files (due_at) where due_at is not null;
call access.protect('files.files', 'rvz_files');
grant select, insert, update, delete on files.files to rvz_files;

-- How far the bytes of a file have come. `length` is null as long as the client has not said it.
create table files.uploads (
    tenant_id uuid not null,
    file_id uuid not null,
    protocol text not null,
    length bigint,
    received bigint not null default 0,
    reserved bigint not null,
    parts integer not null default 0,
    expected_sha256 bytea,
    created_at timestamptz not null,
    constraint uploads_pkey primary key (tenant_id, file_id),
    constraint uploads_file_fkey foreign key (tenant_id, file_id) references files.files,
    constraint uploads_protocol_check check (protocol in ('form', 'tus', 'put')),
    constraint uploads_received_check check (received between 0 and coalesce(length, received)),
    constraint uploads_reserved_check check (reserved >= 0),
    constraint uploads_expected_check check (octet_length(expected_sha256) = 32)
);
call access.protect('files.uploads', 'rvz_files');
grant select, insert, update, delete on files.uploads to rvz_files;

-- The bytes that have come, in order. A row is written when its object is durable.
create table files.parts (
    tenant_id uuid not null,
    file_id uuid not null,
    begins_at bigint not null,
    size bigint not null,
    object_key text not null,
    constraint parts_pkey primary key (tenant_id, file_id, begins_at),
    constraint parts_upload_fkey foreign key (tenant_id, file_id) references files.uploads
);
call access.protect('files.parts', 'rvz_files');
grant select, insert, delete on files.parts to rvz_files;

-- One row a tenant: whoever wants room changes it where there still is some.
create table files.storage_usage (
    tenant_id uuid not null,
    used_bytes bigint not null default 0,
    reserved_bytes bigint not null default 0,
    constraint storage_usage_pkey primary key (tenant_id),
    constraint storage_usage_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint storage_usage_bytes_check check (used_bytes >= 0 and reserved_bytes >= 0)
);
call access.protect('files.storage_usage', 'rvz_files');
grant select, insert, update, delete on files.storage_usage to rvz_files;

-- Which files of any tenant are due; what is in them only a transaction of their tenant sees.
create policy definer on files.files for select to rvz_definer using (true);
grant select on files.files to rvz_definer;
create function files.due_files(due_at timestamptz, most bigint)
returns table (tenant_id uuid, file_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select f.tenant_id, f.file_id
    from files.files f
    where f.due_at <= due_files.due_at
    order by f.due_at
    limit most
$$;
call access.define('files.due_files(timestamptz, bigint)', 'rvz_files');

-- For the report that visits one tenant after the other: identifiers alone.
create function files.tenant_ids() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select t.tenant_id from access.tenants t order by t.tenant_id $$;
call access.define('files.tenant_ids()', 'rvz_files');

call access.grant_builtin('files.file.read', superadmin => 'all', admin => 'all', manager => 'all', expert => 'all', customer => 'own');
call access.grant_builtin('files.file.create', superadmin => 'all', admin => 'all', manager => 'all', expert => 'all', customer => 'own');
call access.grant_builtin('files.file.update', superadmin => 'all', admin => 'all', manager => 'all', expert => 'own', customer => 'own');
call access.grant_builtin('files.file.delete', superadmin => 'all', admin => 'all', manager => 'all', expert => 'own', customer => 'own');
