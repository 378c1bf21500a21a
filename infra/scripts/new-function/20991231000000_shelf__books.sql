-- Books of an organisation. Nothing about people is stored.

create schema shelf;
grant usage on schema shelf to rvz_shelf, rvz_migrator, rvz_dumper;

create table shelf.books (
    tenant_id uuid not null,
    book_id uuid not null,
    title text not null,
    created_at timestamptz not null,
    constraint books_pkey primary key (tenant_id, book_id),
    constraint books_tenant_fkey foreign key (tenant_id) references access.tenants
);
call access.protect('shelf.books', 'rvz_shelf');
grant select, insert, delete on shelf.books to rvz_shelf;

call access.grant_builtin('shelf.book.read', superadmin => 'all', admin => 'all', manager => 'all', expert => 'all', customer => 'all');
call access.grant_builtin('shelf.book.create', superadmin => 'all', admin => 'all', manager => 'all');
