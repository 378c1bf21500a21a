//! SQL, and nothing else.

pub(crate) mod due;
pub(crate) mod files;
pub(crate) mod objects;
pub(crate) mod uploads;
pub(crate) mod usage;
