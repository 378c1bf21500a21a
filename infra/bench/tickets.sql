-- 100,000 tickets of one tenant, with identifiers that a load generator can compute. Variables: tenant, requester.
set role rvz_migrator;
insert into support.tickets (
    tenant_id, ticket_id, number, title, description, status, priority, category, tags, channel,
    created_by_kind, created_by_id, requester_id, created_at, updated_at
)
select
    :'tenant', ('00000000-0000-7000-8000-' || (100000000000 + n)::text)::uuid, 1000000 + n,
    'The printer on floor ' || n % 40 || ' does not answer',
    'Since this morning number ' || n || ' shows a red light. It was switched off and on again, without success.',
    (array['open', 'in_progress', 'waiting_on_customer', 'resolved', 'closed'])[1 + n % 5],
    (array['low', 'medium', 'high', 'urgent'])[1 + n % 4],
    null, array['printer', 'floor-' || n % 40], 'portal',
    'user', :'requester', :'requester',
    timestamptz '2026-01-01' + n * interval '1 minute', timestamptz '2026-01-01' + n * interval '1 minute'
from generate_series(0, 99999) n;
reset role;
vacuum analyze support.tickets;
