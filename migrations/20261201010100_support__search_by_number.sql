-- Tickets are found by their number in every form in which people meet it: `T-1091`, `1091`, `#1091`, `#T-1091`, and the subject of
-- a mail, `[T-1091] ...`. A bare number or the beginning of one finds all that begin with it; a letter alone finds none by number.
-- Nothing is stored. The function before it, support.matching_tickets, stays until no running release calls it.

create function support.search_tickets(query text) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.ticket_id
    from support.tickets t
    where t.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
        and (
            t.search @@ (websearch_to_tsquery('pg_catalog.german', query) || websearch_to_tsquery('pg_catalog.english', query))
            or t.number::text like (regexp_match(query, '^\s*#?(?:[Tt]-)?([0-9]+)\s*$'))[1] || '%'
            or t.number::text = (regexp_match(query, '^\s*\[#?(?:[Tt]-)?([0-9]+)\]'))[1]
        )
$$;
call access.define('support.search_tickets(text)', 'rvz_support');
