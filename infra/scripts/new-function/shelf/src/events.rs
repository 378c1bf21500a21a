//! Events published by this context.

use crate::BookId;

events::events! {
    context "shelf";
    /// A book was added.
    BookAdded = "book.added.v1", subject book_id {
        /// The book.
        book_id: BookId = BookId::from_uuid(uuid::Uuid::from_u128(1)),
    }
}
