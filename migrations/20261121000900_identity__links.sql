-- What more links need: the address that a change of address is to bring, and what binds a magic link to whoever asked for
-- it; and by what a device is known again.
--
-- `binding_hash` is a hash over the link's secret and either the browser's cookie or the code that was shown where the link
-- was asked for: without the secret, which is only in the mail, six digits can't be guessed from it. `failures` counts wrong
-- codes. Neither address, cookie nor code of a link is kept longer than the row. `device_hash` is a hash over the kind of
-- program and the device's name; sessions that exist have none and count as nothing known. No row changes.

alter table identity.one_time_tokens add column email text;
alter table identity.one_time_tokens add column binding text;
alter table identity.one_time_tokens add column binding_hash bytea;
alter table identity.one_time_tokens add column failures smallint not null default 0;
alter table identity.one_time_tokens add constraint one_time_tokens_email_check
    check ((purpose = 'change_email') = (email is not null) and email = lower(email)) not valid;
-- No row has the new columns yet, and links are few: a look at them takes no time.
-- squawk-ignore constraint-missing-not-valid
alter table identity.one_time_tokens validate constraint one_time_tokens_email_check;
alter table identity.one_time_tokens add constraint one_time_tokens_binding_check
    check (binding in ('browser', 'code') and (binding is null) = (binding_hash is null)) not valid;
-- No row has the new columns yet, and links are few: a look at them takes no time.
-- squawk-ignore constraint-missing-not-valid
alter table identity.one_time_tokens validate constraint one_time_tokens_binding_check;

alter table identity.sessions add column device_hash bytea;
