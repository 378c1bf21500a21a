//! Handlers, a file a resource.

pub(crate) mod dead_letters;
