//! Comments on a ticket.

web::text_enum! {
    /// Who can see a comment.
    pub enum Visibility {
        /// Everyone who can see the ticket.
        Public = "public",
        /// Staff only.
        Internal = "internal",
    }
}
