//! SQL for books.

use db::{Result, TenantTx};
use web::Limit;

use crate::BookId;

pub(crate) struct BookRow {
    pub(crate) id: BookId,
    pub(crate) title: String,
}

/// A page of books, oldest first, plus one row if there is a next page.
pub(crate) async fn list_books(
    tx: &mut TenantTx,
    after: Option<BookId>,
    limit: Limit,
) -> Result<Vec<BookRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        BookRow,
        r#"select book_id as "id: BookId", title
        from shelf.books
        where tenant_id = $1 and ($2::uuid is null or book_id > $2)
        order by book_id
        limit $3"#,
        tenant as _,
        after as _,
        limit.rows(),
    )
    .fetch_all(tx.conn())
    .await?)
}

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
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into shelf.books (tenant_id, book_id, title) values ($1, $2, $3)",
        tenant as _,
        id as _,
        title,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
