//! SQL statements and row types.

pub(crate) mod due;
pub(crate) mod files;
pub(crate) mod objects;
pub(crate) mod uploads;
pub(crate) mod usage;
