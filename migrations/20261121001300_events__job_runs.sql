-- What the scheduler has started: one row a job and scheduled time, so that a call that comes twice starts nothing twice.
--
-- The rows belong to the platform, not to a tenant, and name none. `lease_until`: when a run whose process has died counts as
-- lost, and the next may begin. There is nothing to migrate.

create table events.job_runs (
    function text not null,
    job text not null,
    scheduled_at timestamptz not null,
    status text not null,
    attempts integer not null default 1,
    started_at timestamptz not null,
    lease_until timestamptz not null,
    finished_at timestamptz,
    result jsonb,
    failure text,
    constraint job_runs_pkey primary key (function, job, scheduled_at),
    constraint job_runs_status_check check (status in ('running', 'done', 'failed', 'lost')),
    constraint job_runs_finished_check check ((status = 'running') = (finished_at is null))
);
-- At most one of a job runs.
create unique index job_runs_running_key on events.job_runs (function, job) where status = 'running';
grant select, insert, update, delete on events.job_runs to rvz_app;
grant select on events.job_runs to rvz_dumper;

-- What was delivered, and what was taken, long ago: a portion of each, of all tenants. An announcement with an open dead letter
-- stays, because it may be replayed.
create policy definer on events.inbox for all to rvz_definer using (true) with check (true);
grant select, delete on events.inbox to rvz_definer;
grant delete on events.outbox to rvz_definer;
create function events.tidy(published_before timestamptz, processed_before timestamptz, most integer)
returns table (announcements bigint, receipts bigint)
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    with old_outbox as (
        select o.ctid as place
        from events.outbox o
        where o.published_at < published_before
            and not exists (
                select
                from events.dead_letters d
                where d.tenant_id = o.tenant_id and d.event_id = o.event_id and d.replayed_at is null
            )
        limit most
    ),
    old_inbox as (
        select i.ctid as place
        from events.inbox i
        where i.processed_at < processed_before
        limit most
    ),
    gone_outbox as (
        delete from events.outbox o where o.ctid = any (array(select place from old_outbox)) returning 1
    ),
    gone_inbox as (
        delete from events.inbox i where i.ctid = any (array(select place from old_inbox)) returning 1
    )
    select (select count(*) from gone_outbox), (select count(*) from gone_inbox)
$$;
call access.define('events.tidy(timestamptz, timestamptz, integer)', 'rvz_relay');
