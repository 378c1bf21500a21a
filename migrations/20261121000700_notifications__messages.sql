-- Messages to people: one row a mail, written with the inbox row of the event that caused it, sent afterwards.
--
-- Neither texts nor one-time links are stored: a mail is written anew from `template`, `params` and the names in force at
-- each try. The token of a link stays sealed as it came and is blanked with the last try, which a check insists on. Other
-- channels, preferences and suppressed addresses come later, as do provider ids. There are no rows yet.

create schema notifications;
grant usage on schema notifications to rvz_notifications, rvz_migrator, rvz_dumper, rvz_definer;

create table notifications.messages (
    tenant_id uuid not null,
    message_id uuid not null,
    dedup_key text not null,
    channel text not null,
    template text not null,
    locale text not null,
    recipient_id uuid,
    address text not null,
    subject text not null,
    params jsonb not null default '{}',
    sealed bytea,
    status text not null,
    attempts integer not null default 0,
    next_attempt_at timestamptz not null,
    last_error text,
    created_at timestamptz not null,
    sent_at timestamptz,
    constraint messages_pkey primary key (tenant_id, message_id),
    constraint messages_dedup_key unique (tenant_id, dedup_key),
    constraint messages_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint messages_recipient_fkey foreign key (tenant_id, recipient_id) references access.people,
    constraint messages_channel_check check (channel in ('mail')),
    constraint messages_locale_check check (locale in ('de', 'en')),
    constraint messages_status_check check (status in ('queued', 'sent', 'failed', 'suppressed')),
    constraint messages_sent_check check ((status = 'sent') = (sent_at is not null)),
    constraint messages_sealed_check check (sealed is null or status = 'queued')
);
create index messages_due_idx on notifications.messages (next_attempt_at) where status = 'queued';
create index messages_created_idx on notifications.messages (tenant_id, created_at desc, message_id desc);
create index messages_recipient_idx on notifications.messages (tenant_id, recipient_id);
call access.protect('notifications.messages', 'rvz_notifications');
grant select, insert, update on notifications.messages to rvz_notifications;

-- Which messages of any tenant are due; what is in them only a transaction of their tenant sees.
create policy definer on notifications.messages for select to rvz_definer using (true);
grant select on notifications.messages to rvz_definer;
create function notifications.due_messages(due_at timestamptz, most bigint)
returns table (tenant_id uuid, message_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select m.tenant_id, m.message_id
    from notifications.messages m
    where m.status = 'queued' and m.next_attempt_at <= due_at
    order by m.next_attempt_at
    limit most
$$;
call access.define('notifications.due_messages(timestamptz, bigint)', 'rvz_notifications');
