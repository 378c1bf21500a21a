//! The tables of this context.

db::tables! {
    /// A book.
    shelf.books: subject [], erasure [keep], closure [erased_by(shelf)] {
        tenant_id: none;
        book_id:   none;
        title:     none;
    }
}
