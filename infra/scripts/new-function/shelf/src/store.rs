//! SQL for books.

use access::list::{IdType, Order, Source};
use db::{Result, TenantTx};
use sqlx::FromRow;

use crate::BookId;

#[derive(FromRow)]
pub(crate) struct BookRow {
    pub(crate) id: BookId,
    pub(crate) title: String,
}

/// Books. They never change and are never deleted.
pub(crate) const BOOKS: Source = Source {
    name: "books",
    columns: "b.book_id as id, b.title",
    from: "shelf.books b",
    tenant: "b.tenant_id",
    id: "b.book_id",
    id_type: IdType::Uuid,
    changed_at: "b.created_at",
    version: "1",
    gone: "false",
};
pub(crate) const OLDEST_FIRST: Order = Order {
    keys: &[],
    descending: false,
};

pub(crate) async fn find_book(tx: &mut TenantTx, id: BookId) -> Result<Option<BookRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        BookRow,
        r#"select book_id as "id: BookId", title
        from shelf.books
        where tenant_id = $1 and book_id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(crate) async fn insert_book(tx: &mut TenantTx, id: BookId, title: &str) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "insert into shelf.books (tenant_id, book_id, title, created_at) values ($1, $2, $3, $4)",
        tenant as _,
        id as _,
        title,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
