-- no-transaction
-- Replaced by tickets_changed_idx, which PostgreSQL reads in both directions.
drop index concurrently if exists support.tickets_updated_idx;
