-- How far a run is, in its own numbers, for operators; and a replay that takes nothing from anybody.
alter table events.job_runs add column progress jsonb;

-- Made anew below, in the same transaction and with the same signature: its owner, who could replace it, is nobody who logs in.
-- squawk-ignore ban-drop-function
drop function events.replay_dead_letter(uuid, timestamptz);
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
            awaiting = case
                -- Nobody has taken it yet: it is still on its first way, to all.
                when o.published_at is null and o.awaiting is null then null
                -- Others may still be waited for.
                when o.published_at is null then o.awaiting || letter.consumer
                else array[letter.consumer]
            end
        from letter
        where o.tenant_id = letter.tenant_id and o.event_id = letter.event_id
    )
    select letter.* from letter
$$;
call access.define('events.replay_dead_letter(uuid, timestamptz)', 'rvz_relay');
