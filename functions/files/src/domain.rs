//! Business rules, independent of HTTP and SQL.

pub(crate) mod byte_range;
pub(crate) mod content_disposition;
pub(crate) mod file;
pub(crate) mod file_name;
pub(crate) mod media_type;
