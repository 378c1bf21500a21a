-- What happens to an announcement after a bus has taken it over.
--
-- With a bus the announcement counts as published, and what was sealed is blanked, once the bus has confirmed it; the function
-- that listens may refuse it long after, when the relay has no lease on it any more. Then the letter is written from what the
-- bus brought back, and the sealed part returns to the outbox, where a replay looks for it. There is nothing to migrate.

-- A letter for what came back from a bus. One that was replayed and comes back is the same letter.
create function events.park_handed_on(
    letter uuid, tenant uuid, event uuid, function_name text, document jsonb, sealed_part bytea, why text, tries integer, parked timestamptz
)
returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    insert into events.dead_letters (tenant_id, dead_letter_id, consumer, event_id, envelope, reason, attempts, parked_at)
    values (tenant, letter, function_name, event, document, why, tries, parked)
    on conflict (tenant_id, consumer, event_id) do update
    set reason = excluded.reason, attempts = excluded.attempts, parked_at = excluded.parked_at, replayed_at = null;

    update events.outbox o
    set sealed = coalesce(o.sealed, sealed_part)
    where o.tenant_id = tenant and o.event_id = event and sealed_part is not null
$$;
call access.define('events.park_handed_on(uuid, uuid, uuid, text, jsonb, bytea, text, integer, timestamptz)', 'rvz_relay');

-- In the place of events.mark_published, which the release before still calls. Its rows are locked by a statement of its own:
-- the next one then sees a letter that was written meanwhile, and leaves its sealed part.
create function events.mark_settled(tenants uuid[], event_ids uuid[], leases uuid[], published timestamptz)
returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    select
    from events.outbox o
    join unnest(tenants, event_ids, leases) as mine (tenant_id, event_id, lease)
        on o.tenant_id = mine.tenant_id and o.event_id = mine.event_id and o.lease = mine.lease
    for update of o;

    with done as (
        update events.outbox o
        set published_at = published,
            lease = null,
            awaiting = null,
            failure = null,
            sealed = case
                when exists (
                    select
                    from events.dead_letters d
                    where d.tenant_id = o.tenant_id and d.event_id = o.event_id and d.replayed_at is null
                ) then o.sealed
            end
        from unnest(tenants, event_ids, leases) as mine (tenant_id, event_id, lease)
        where o.tenant_id = mine.tenant_id and o.event_id = mine.event_id and o.lease = mine.lease
        returning 1
    )
    select count(*) from done
$$;
call access.define('events.mark_settled(uuid[], uuid[], uuid[], timestamptz)', 'rvz_relay');
