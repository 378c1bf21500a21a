//! SQL of this context: the `events` definer functions, called in transactions without a tenant.

pub(crate) mod claims;
pub(crate) mod dead_letters;
pub(crate) mod retention;
