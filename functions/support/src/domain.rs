//! Business rules, independent of HTTP and SQL.

pub(crate) mod comment;
pub(crate) mod import;
pub(crate) mod status;
pub(crate) mod ticket;
pub(crate) mod update;
