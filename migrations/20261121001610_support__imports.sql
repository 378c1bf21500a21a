-- Tickets of another system: which one they were there, so that a second import changes nothing; and who may import.
--
-- Tickets that exist come from nowhere else: both columns stay null. Imported people need no column, their mail address says
-- who they are.

alter table support.tickets add column external_source text;
alter table support.tickets add column external_id text;
alter table support.tickets add constraint tickets_external_check
    check ((external_source is null) = (external_id is null)) not valid;
-- Not released yet, and both columns are null everywhere.
-- squawk-ignore constraint-missing-not-valid
alter table support.tickets validate constraint tickets_external_check;
-- Not released yet.
-- squawk-ignore require-concurrent-index-creation
create unique index tickets_external_key on support.tickets (tenant_id, external_source, external_id) where external_id is not null;

call access.grant_builtin('support.ticket.import', superadmin => 'all', admin => 'all');
call access.grant_builtin('identity.user.import', superadmin => 'all', admin => 'all');
