//! Types that are right once they exist: no HTTP, no SQL.

pub(crate) mod disposition;
pub(crate) mod file;
pub(crate) mod kind;
pub(crate) mod name;
pub(crate) mod range;
