//! Delivery rules, free of database and network.

pub(crate) mod backoff;
pub(crate) mod outcome;
pub(crate) mod reason;
