//! The vocabulary of a ticket.

web::text_enum! {
    /// The priority of a ticket.
    pub enum Priority {
        /// Low.
        Low = "low",
        /// Medium, the default.
        Medium = "medium",
        /// High.
        High = "high",
        /// Urgent.
        Urgent = "urgent",
    }
}

web::text_enum! {
    /// The channel through which a ticket was created.
    pub enum Channel {
        /// A signed-in user.
        Portal = "portal",
        /// An API key.
        Api = "api",
        /// An email.
        Mail = "mail",
        /// The tenant's public contact form.
        ContactForm = "contact_form",
    }
}

/// Tags in lower case, sorted, without duplicates.
pub(crate) fn normalize_tags<'a>(tags: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut tags: Vec<String> = tags.into_iter().map(str::to_lowercase).collect();
    tags.sort();
    tags.dedup();
    tags
}
