-- no-transaction
-- Changes of tickets since a token (`?sync=`) include deleted ones, which the index by time of update leaves out. The new one serves both;
-- the old one goes with the next migration.
create index concurrently if not exists tickets_changed_idx on support.tickets (tenant_id, updated_at, ticket_id);
