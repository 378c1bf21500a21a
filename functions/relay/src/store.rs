//! SQL of this context: the listed definer functions, over a transaction without a tenant.

pub(crate) mod claims;
pub(crate) mod dead_letters;
pub(crate) mod letters;
pub(crate) mod tidying;
