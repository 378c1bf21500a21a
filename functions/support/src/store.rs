//! SQL statements and row types.

pub(crate) mod comments;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod tickets;
