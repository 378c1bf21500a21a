-- Email addresses have one form: the local part composed (NFC), the host as A-labels (RFC 5891), because browsers send
-- `eva@xn--sd-haus-n2a.example` for `eva@süd-haus.example` and both are one mailbox. Addresses of people that were stored before are
-- rewritten. Where the other form belongs to someone else in the tenant, both rows stay as they are and a warning names them: an admin
-- decides which account remains. Also, the links of registrations whose address was invited later are deleted: those accounts
-- are invitations, which are not erased for being unproved. Rerunning it changes nothing.

-- Punycode (RFC 3492, 6.3), which PostgreSQL does not have.
create function identity.to_a_label(label text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    digits constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
    points constant integer[] := array(select ascii(letter) from regexp_split_to_table(label, '') as letter);
    basic constant text := array_to_string(array(select chr(point) from unnest(points) as point where point < 128), '');
    encoded text := case when basic = '' then '' else basic || '-' end;
    next_point integer := 128;
    bias integer := 72;
    delta integer := 0;
    done integer := length(basic);
    smallest integer;
    point integer;
    rest integer;
    threshold integer;
    place integer;
begin
    if octet_length(label) = length(label) then
        return label;
    end if;
    while done < array_length(points, 1) loop
        select min(p) into smallest from unnest(points) as p where p >= next_point;
        delta := delta + (smallest - next_point) * (done + 1);
        next_point := smallest;
        foreach point in array points loop
            if point < next_point then
                delta := delta + 1;
            elsif point = next_point then
                rest := delta;
                place := 36;
                loop
                    threshold := least(greatest(place - bias, 1), 26);
                    exit when rest < threshold;
                    encoded := encoded || substr(digits, threshold + (rest - threshold) % (36 - threshold) + 1, 1);
                    rest := (rest - threshold) / (36 - threshold);
                    place := place + 36;
                end loop;
                encoded := encoded || substr(digits, rest + 1, 1);
                delta := case when done = length(basic) then delta / 700 else delta / 2 end;
                delta := delta + delta / (done + 1);
                place := 0;
                while delta > 455 loop
                    delta := delta / 35;
                    place := place + 36;
                end loop;
                bias := place + 36 * delta / (delta + 38);
                delta := 0;
                done := done + 1;
            end if;
        end loop;
        delta := delta + 1;
        next_point := next_point + 1;
    end loop;
    return 'xn--' || encoded;
end
$$;
grant execute on function identity.to_a_label(text) to rvz_migrator;

set local role rvz_migrator;
do $$
declare
    person record;
    canonical text;
begin
    for person in
        select u.tenant_id, u.user_id, u.email from identity.users u where octet_length(u.email) <> length(u.email)
    loop
        canonical := normalize(split_part(person.email, '@', 1), nfc) || '@' || (
            select string_agg(identity.to_a_label(l.label), '.' order by l.place)
            from regexp_split_to_table(normalize(split_part(person.email, '@', 2), nfkc), '\.') with ordinality as l (label, place)
        );
        if canonical = person.email then
            continue;
        end if;
        if exists (select from identity.users u where u.tenant_id = person.tenant_id and u.email = canonical) then
            raise warning 'tenant %: user % keeps an email address that is the mailbox of another user', person.tenant_id, person.user_id;
            continue;
        end if;
        update identity.users
        set email = canonical, version = version + 1, updated_at = now()
        where tenant_id = person.tenant_id and user_id = person.user_id;
        update access.people
        set email = canonical, updated_at = now()
        where tenant_id = person.tenant_id and user_id = person.user_id;
    end loop;
end
$$;
delete from identity.one_time_tokens t
where t.purpose = 'verify_email' and exists (
    select from identity.one_time_tokens i
    where i.tenant_id = t.tenant_id and i.user_id = t.user_id and i.purpose = 'invite'
);
set local role rvz_owner;
-- Only this file calls it.
-- squawk-ignore ban-drop-function
drop function identity.to_a_label(text);
