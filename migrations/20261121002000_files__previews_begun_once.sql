-- A picture's previews are begun once. A process that dies over them, because there is too much in the picture, leaves this
-- mark; whoever does the check again makes none, and the file is as good without. Files that exist have had their check.
alter table files.files add column previews_begun boolean not null default false;
