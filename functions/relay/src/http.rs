//! HTTP handlers, one file per resource.

pub(crate) mod dead_letters;
