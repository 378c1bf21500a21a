//! Handlers and wire types.

use access::{
    Caller,
    list::{ListQuery, Listed, push_any},
};
use axum::{extract::State, response::Response};
use events::{App, Attempt, Idempotent, UnitOfWork};
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Created, Fetched, Page, PathIds, SingleLine, Text,
    problem::{NOT_FOUND, Result},
    query::OneOf,
    reply::Versioned,
};

use crate::{
    BookId,
    events::BookAdded,
    permissions::{BookCreate, BookRead},
    store::{self, BookRow},
};

/// A book.
#[derive(Serialize, ToSchema)]
pub(crate) struct Book {
    /// The book's identifier.
    id: BookId,
    /// The title.
    title: String,
}

impl Versioned for Book {
    /// Books never change.
    fn version(&self) -> i32 {
        1
    }
}

impl From<BookRow> for Book {
    fn from(row: BookRow) -> Self {
        Self {
            id: row.id,
            title: row.title,
        }
    }
}

web::body! {
    /// A new book.
    pub struct CreateBook {
        /// The title.
        pub title: Text<1, 200>,
    }
    example { "title": "Emma" }
}

web::query! {
    /// Filters of books.
    pub(crate) struct ListBooks {
        /// Only books with one of these titles.
        title: OneOf<SingleLine<1, 200>>,
    }
}

/// List books
///
/// Returns the books of the organisation, oldest first.
#[utoipa::path(get, path = "/books", responses((status = 200, body = Page<Book>, description = "A page of books.")))]
pub(crate) async fn list_books(
    State(app): State<App>,
    caller: Caller<BookRead>,
    query: ListQuery<ListBooks>,
) -> Result<Listed<Book>> {
    let titles = query.filter.title.clone().given();
    let titles: Option<Vec<String>> =
        titles.map(|titles| titles.into_iter().map(SingleLine::into_string).collect());
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (&store::BOOKS, store::OLDEST_FIRST),
            |_| {},
            |sql| push_any(sql, "b.title", titles.as_ref()),
        )
        .await?;
    unit.commit().await?;
    Ok(listed.map(|row: BookRow| Book::from(row)))
}

/// Add a book
///
/// Adds a book to the organisation.
#[utoipa::path(post, path = "/books", responses((status = 201, body = Book, description = "The book was added.")))]
pub(crate) async fn create_book(
    State(app): State<App>,
    caller: Caller<BookCreate>,
    body: Idempotent<CreateBook>,
) -> Result<Response> {
    let (mut unit, body, pending) = match body.begin(&app, &caller).await? {
        Attempt::First(unit, body, pending) => (unit, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let id = BookId::at(unit.now());
    store::insert_book(&mut unit, id, body.title.as_str()).await?;
    unit.publish(1, BookAdded { book_id: id }).await?;
    let created = Created {
        location: format!("/api/v1/books/{id}"),
        resource: Book {
            id,
            title: body.title.as_str().to_owned(),
        },
    };
    pending.created(unit, created).await
}

/// Get a book
///
/// Returns one book of the organisation.
#[utoipa::path(get, path = "/books/{id}", responses((status = 200, body = Book, description = "The book.")))]
pub(crate) async fn get_book(
    State(app): State<App>,
    caller: Caller<BookRead>,
    PathIds(id): PathIds<BookId>,
) -> Result<Fetched<Book>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let row = store::find_book(&mut unit, id).await?;
    unit.commit().await?;
    let row = row.ok_or_else(|| NOT_FOUND.problem())?;
    Ok(Fetched(row.into()))
}
