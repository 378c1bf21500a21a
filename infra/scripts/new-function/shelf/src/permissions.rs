//! Permissions of this context.

access::permissions! {
    feature Some("shelf");
    /// Read books.
    BookRead = "shelf.book.read";
    /// Add books.
    BookCreate = "shelf.book.create";
}
