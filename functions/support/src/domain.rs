//! The rules, without HTTP and SQL.

pub(crate) mod changes;
pub(crate) mod comment;
pub(crate) mod import;
pub(crate) mod status;
pub(crate) mod ticket;
