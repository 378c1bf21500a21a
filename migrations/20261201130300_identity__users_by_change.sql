-- no-transaction
-- Changes of users since a token (`?sync=`).
create index concurrently if not exists users_changed_idx on identity.users (tenant_id, updated_at, user_id);
