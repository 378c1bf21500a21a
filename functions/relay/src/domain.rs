//! What is decided about a delivery, without database or network.

pub(crate) mod backoff;
pub(crate) mod letter;
pub(crate) mod verdict;
