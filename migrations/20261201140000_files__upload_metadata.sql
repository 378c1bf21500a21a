-- The `Upload-Metadata` of a resumable upload as the client sent it, because tus 1.0 returns it with the offset. Uploads that are under way
-- have none.

alter table files.uploads add column metadata text;
