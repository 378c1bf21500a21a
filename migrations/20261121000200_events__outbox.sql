-- Announcements, written in the transaction of the change they announce, and what became of them.
--
-- The outbox row is the record of truth until the bus has confirmed it. `sealed` carries what must not travel in clear
-- (one-time links) and is blanked after delivery. The relay, which moves them, comes with its own role later.
--
-- `position` only tells apart what one transaction announced about one aggregate at one version; nothing reads on from a
-- position, because a slower transaction's rows would be passed over. Rows stay after they have been published: a clean-up
-- leaves those that have an open dead letter, which may be replayed.

create table events.outbox (
    tenant_id uuid not null,
    event_id uuid not null,
    type text not null,
    source text not null,
    subject text not null,
    aggregate text not null,
    aggregate_version bigint not null,
    position bigint not null generated always as identity,
    occurred_at timestamptz not null,
    data jsonb not null,
    sealed bytea,
    request_id text,
    traceparent text,
    published_at timestamptz,
    attempts integer not null default 0,
    -- How many of the attempts reached a function that said no; the others found nobody.
    refusals integer not null default 0,
    next_attempt_at timestamptz not null,
    -- Who is trying now, until next_attempt_at; somebody else's lease is not ended.
    lease uuid,
    -- The functions that still have to take it; null before the first try, which is for whoever listens.
    awaiting text[],
    -- Why the last try was not the last one.
    failure text,
    constraint outbox_pkey primary key (tenant_id, event_id),
    constraint outbox_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint outbox_type_check check (type ~ '^de\.revalenz\.[a-z]+\.[a-z_]+\.[a-z_]+\.v[0-9]+$')
);
create index outbox_due_idx on events.outbox (next_attempt_at) where published_at is null and attempts = 0;
create index outbox_retry_idx on events.outbox (next_attempt_at) where published_at is null and attempts > 0;
create index outbox_aggregate_idx on events.outbox (tenant_id, aggregate, aggregate_version, position) where published_at is null;
call access.protect('events.outbox', 'rvz_app');
grant insert on events.outbox to rvz_app;
grant select on sequence events.outbox_position_seq to rvz_dumper;

-- What a consumer has already done: written in the transaction of its effect.
create table events.inbox (
    tenant_id uuid not null,
    consumer text not null,
    event_id uuid not null,
    processed_at timestamptz not null,
    constraint inbox_pkey primary key (tenant_id, consumer, event_id),
    constraint inbox_tenant_fkey foreign key (tenant_id) references access.tenants
);
call access.protect('events.inbox', 'rvz_app');
grant select, insert on events.inbox to rvz_app;

-- Announcements that a consumer could not take after all its tries, with the reason, to be looked at and replayed. The
-- consumer is a function; `envelope` is for looking, without what was sealed.
create table events.dead_letters (
    tenant_id uuid not null,
    dead_letter_id uuid not null,
    consumer text not null,
    event_id uuid not null,
    envelope jsonb not null,
    reason text not null,
    attempts integer not null,
    parked_at timestamptz not null,
    replayed_at timestamptz,
    constraint dead_letters_pkey primary key (tenant_id, dead_letter_id),
    constraint dead_letters_event_key unique (tenant_id, consumer, event_id),
    constraint dead_letters_tenant_fkey foreign key (tenant_id) references access.tenants
);
call access.protect('events.dead_letters', 'rvz_app');
grant select, insert, update on events.dead_letters to rvz_app;
