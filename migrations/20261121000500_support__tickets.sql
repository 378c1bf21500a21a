-- Tickets, comments, history; the permissions of this context; full-text search.
--
-- Numbers come from a counter row per tenant, taken last in the creating transaction. History is append only. The search
-- vector holds German and English stems of title and description; comments are not in it, so an internal one can't be
-- found by a customer. Full-text operators are not leakproof, so behind a policy the index would not be used: the search
-- goes through one reviewed definer function with its own tenant predicate.

create schema support;
grant usage on schema support to rvz_support, rvz_migrator, rvz_dumper, rvz_definer;

create table support.ticket_counters (
    tenant_id uuid not null,
    last_number integer not null,
    constraint ticket_counters_pkey primary key (tenant_id),
    constraint ticket_counters_tenant_fkey foreign key (tenant_id) references access.tenants
);
call access.protect('support.ticket_counters', 'rvz_support');
grant select, insert, update on support.ticket_counters to rvz_support;

create table support.tickets (
    tenant_id uuid not null,
    ticket_id uuid not null,
    number integer not null,
    title text not null,
    description text not null,
    status text not null,
    priority text not null,
    category text,
    tags text[] not null default '{}',
    channel text not null,
    created_by_kind text not null,
    created_by_id uuid,
    requester_id uuid,
    requester_email text,
    assigned_to uuid,
    team text,
    due_at timestamptz,
    first_responded_at timestamptz,
    resolved_at timestamptz,
    closed_at timestamptz,
    deleted_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    search tsvector not null generated always as (
        setweight(to_tsvector('pg_catalog.german', title), 'A') || setweight(to_tsvector('pg_catalog.english', title), 'A')
        || to_tsvector('pg_catalog.german', description) || to_tsvector('pg_catalog.english', description)
    ) stored,
    constraint tickets_pkey primary key (tenant_id, ticket_id),
    constraint tickets_number_key unique (tenant_id, number),
    constraint tickets_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint tickets_requester_fkey foreign key (tenant_id, requester_id) references access.people,
    constraint tickets_assigned_fkey foreign key (tenant_id, assigned_to) references access.people,
    constraint tickets_status_check check (status in ('open', 'in_progress', 'waiting_on_customer', 'resolved', 'closed')),
    constraint tickets_priority_check check (priority in ('low', 'medium', 'high', 'urgent')),
    constraint tickets_channel_check check (channel in ('portal', 'api', 'mail', 'contact_form'))
);
create index tickets_created_idx on support.tickets (tenant_id, created_at desc, ticket_id desc) where deleted_at is null;
create index tickets_updated_idx on support.tickets (tenant_id, updated_at desc, ticket_id desc) where deleted_at is null;
create index tickets_status_idx on support.tickets (tenant_id, status, created_at desc, ticket_id desc) where deleted_at is null;
create index tickets_requester_idx on support.tickets (tenant_id, requester_id, created_at desc, ticket_id desc) where deleted_at is null;
create index tickets_assigned_idx on support.tickets (tenant_id, assigned_to, created_at desc, ticket_id desc) where deleted_at is null;
create index tickets_search_idx on support.tickets using gin (search);
call access.protect('support.tickets', 'rvz_support');
grant select, insert, update on support.tickets to rvz_support;

create table support.ticket_comments (
    tenant_id uuid not null,
    ticket_comment_id uuid not null,
    ticket_id uuid not null,
    author_kind text not null,
    author_id uuid,
    content text not null,
    visibility text not null,
    edited_at timestamptz,
    deleted_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint ticket_comments_pkey primary key (tenant_id, ticket_comment_id),
    constraint ticket_comments_ticket_fkey foreign key (tenant_id, ticket_id) references support.tickets,
    constraint ticket_comments_visibility_check check (visibility in ('public', 'internal'))
);
create index ticket_comments_ticket_idx on support.ticket_comments (tenant_id, ticket_id, created_at, ticket_comment_id);
call access.protect('support.ticket_comments', 'rvz_support');
grant select, insert, update on support.ticket_comments to rvz_support;

-- Append only: one row a changed field. `visibility` internal rows never reach a customer.
create table support.ticket_history (
    tenant_id uuid not null,
    ticket_history_id uuid not null,
    ticket_id uuid not null,
    field text not null,
    old_value jsonb,
    new_value jsonb,
    visibility text not null default 'public',
    actor_kind text not null,
    actor_id uuid,
    occurred_at timestamptz not null,
    position smallint not null default 0,
    constraint ticket_history_pkey primary key (tenant_id, ticket_history_id),
    constraint ticket_history_ticket_fkey foreign key (tenant_id, ticket_id) references support.tickets,
    constraint ticket_history_visibility_check check (visibility in ('public', 'internal'))
);
create index ticket_history_ticket_idx on support.ticket_history (tenant_id, ticket_id, occurred_at, position, ticket_history_id);
call access.protect('support.ticket_history', 'rvz_support');
grant select, insert on support.ticket_history to rvz_support;

call access.grant_builtin('support.ticket.read', superadmin => 'all', admin => 'all', manager => 'all', expert => 'all', customer => 'own');
call access.grant_builtin('support.ticket.create', superadmin => 'all', admin => 'all', manager => 'all', expert => 'all', customer => 'own');
call access.grant_builtin('support.ticket.update', superadmin => 'all', admin => 'all', manager => 'all', expert => 'all', customer => 'own');
call access.grant_builtin('support.ticket.delete', superadmin => 'all', admin => 'all', manager => 'all');
call access.grant_builtin('support.ticket.restore', superadmin => 'all', admin => 'all');
call access.grant_builtin('support.comment.create', superadmin => 'all', admin => 'all', manager => 'all', expert => 'all', customer => 'own');
call access.grant_builtin('support.comment.update', superadmin => 'all', admin => 'all', manager => 'own', expert => 'own', customer => 'own');

-- Identifiers of the tickets that match, of the tenant that is set; none when none is set.
create policy definer on support.tickets for select to rvz_definer using (true);
grant select on support.tickets to rvz_definer;
create function support.matching_tickets(query text) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.ticket_id
    from support.tickets t
    where t.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
        and (
            t.search @@ (websearch_to_tsquery('pg_catalog.german', query) || websearch_to_tsquery('pg_catalog.english', query))
            or 'T-' || t.number::text like upper(replace(replace(replace(query, '\', '\\'), '%', '\%'), '_', '\_')) || '%'
        )
$$;
call access.define('support.matching_tickets(text)', 'rvz_support');
