//! SQL of this context.

pub(crate) mod messages;
pub(crate) mod people;
