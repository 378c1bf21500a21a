-- How the relay moves announcements of all tenants: functions that claim, settle and look, and nothing else.
--
-- The relay's role has no right to the rows themselves. A claim takes what is due with `skip locked`, so that relays beside
-- each other never wait for each other, and only the oldest unpublished announcement of an aggregate, so that its order
-- holds through failures. It lasts until `next_attempt_at`: whoever dies between claim and settlement loses nothing.
-- Nothing is stored here, and rows that exist are found as they are.

create policy definer on events.outbox for all to rvz_definer using (true) with check (true);
create policy definer on events.dead_letters for all to rvz_definer using (true) with check (true);
grant select, update on events.outbox to rvz_definer;
grant select, insert, update on events.dead_letters to rvz_definer;

-- What has been tried comes first: behind an outage thousands of untried ones may wait for their elders, and would be looked
-- at one by one in vain before those elders are found. By place, because nothing that is known when the function is planned
-- tells that these are few: by key it reads the whole outbox. A row that moved meanwhile is left for the next claim.
create function events.claim(as_of timestamptz, new_lease uuid, leased_until timestamptz, most integer)
returns setof events.outbox
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    with tried as (
        select o.ctid as place
        from events.outbox o
        where o.published_at is null
            and o.attempts > 0
            and o.next_attempt_at <= as_of
            and not exists (
                select
                from events.outbox earlier
                where earlier.tenant_id = o.tenant_id
                    and earlier.aggregate = o.aggregate
                    and earlier.published_at is null
                    and (earlier.aggregate_version, earlier.position) < (o.aggregate_version, o.position)
            )
        order by o.next_attempt_at
        limit most
        for update of o skip locked
    ),
    untried as (
        select o.ctid as place
        from events.outbox o
        where o.published_at is null
            and o.attempts = 0
            and o.next_attempt_at <= as_of
            and not exists (
                select
                from events.outbox earlier
                where earlier.tenant_id = o.tenant_id
                    and earlier.aggregate = o.aggregate
                    and earlier.published_at is null
                    and (earlier.aggregate_version, earlier.position) < (o.aggregate_version, o.position)
            )
        order by o.next_attempt_at
        limit most - (select count(*) from tried)
        for update of o skip locked
    )
    update events.outbox o
    set attempts = o.attempts + 1, lease = new_lease, next_attempt_at = leased_until
    where o.ctid = any (array(select place from tried union all select place from untried))
    returning o.*
$$;
call access.define('events.claim(timestamptz, uuid, timestamptz, integer)', 'rvz_relay');

-- Everybody who listens has taken these. What was sealed stays only for a replay that may still come.
create function events.mark_published(tenants uuid[], event_ids uuid[], leases uuid[], published timestamptz)
returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $$
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
call access.define('events.mark_published(uuid[], uuid[], uuid[], timestamptz)', 'rvz_relay');

-- Some have not taken it: again later, for them alone. That nobody was there to take it is no refusal.
create function events.retry_later(tenant uuid, event uuid, held_lease uuid, remaining text[], refused boolean, due_at timestamptz, reason text)
returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    update events.outbox o
    set lease = null, awaiting = remaining, refusals = o.refusals + refused::integer, next_attempt_at = due_at, failure = reason
    where o.tenant_id = tenant and o.event_id = event and o.lease = held_lease
$$;
call access.define('events.retry_later(uuid, uuid, uuid, text[], boolean, timestamptz, text)', 'rvz_relay');

-- One function will not take it. A letter that was replayed and comes back is the same letter.
create function events.park(letter uuid, tenant uuid, event uuid, held_lease uuid, function_name text, document jsonb, why text, parked timestamptz)
returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    insert into events.dead_letters (tenant_id, dead_letter_id, consumer, event_id, envelope, reason, attempts, parked_at)
    select o.tenant_id, letter, function_name, o.event_id, document, why, o.attempts, parked
    from events.outbox o
    where o.tenant_id = tenant and o.event_id = event and o.lease = held_lease
    on conflict (tenant_id, consumer, event_id) do update
    set reason = excluded.reason, attempts = excluded.attempts, parked_at = excluded.parked_at, replayed_at = null
$$;
call access.define('events.park(uuid, uuid, uuid, uuid, text, jsonb, text, timestamptz)', 'rvz_relay');

-- How many wait, and since when the oldest does: for the metrics.
create function events.outbox_lag(out waiting bigint, out oldest_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select count(*), min(o.occurred_at)
    from events.outbox o
    where o.published_at is null
$$;
call access.define('events.outbox_lag()', 'rvz_relay');

-- Letters for the platform's operators, newest first; one tenant's, or everybody's.
create function events.list_dead_letters(of_tenant uuid, open_only boolean, before_at timestamptz, before_id uuid, most bigint)
returns setof events.dead_letters
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select d.*
    from events.dead_letters d
    where (of_tenant is null or d.tenant_id = of_tenant)
        and (not open_only or d.replayed_at is null)
        and (before_id is null or (d.parked_at, d.dead_letter_id) < (before_at, before_id))
    order by d.parked_at desc, d.dead_letter_id desc
    limit most
$$;
call access.define('events.list_dead_letters(uuid, boolean, timestamptz, uuid, bigint)', 'rvz_relay');

create function events.find_dead_letter(wanted uuid)
returns setof events.dead_letters
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select d.*
    from events.dead_letters d
    where d.dead_letter_id = wanted
$$;
call access.define('events.find_dead_letter(uuid)', 'rvz_relay');

-- Puts the announcement back for the one function of the letter, with all its tries; none when the letter is not open.
create function events.replay_dead_letter(wanted uuid, as_of timestamptz)
returns setof events.dead_letters
language sql security definer set search_path = pg_catalog, pg_temp
as $$
    with letter as (
        update events.dead_letters d
        set replayed_at = as_of
        where d.dead_letter_id = wanted and d.replayed_at is null
        returning d.*
    ),
    reopened as (
        update events.outbox o
        set published_at = null,
            lease = null,
            attempts = 0,
            refusals = 0,
            next_attempt_at = as_of,
            -- Others may still be waited for.
            awaiting = case when o.published_at is null then o.awaiting || letter.consumer else array[letter.consumer] end
        from letter
        where o.tenant_id = letter.tenant_id and o.event_id = letter.event_id
    )
    select letter.* from letter
$$;
call access.define('events.replay_dead_letter(uuid, timestamptz)', 'rvz_relay');
