//! What is decided without a database: who hears of what, in which language, what stands in the way, when to try again.

pub(crate) mod hindrance;
pub(crate) mod language;
pub(crate) mod letter;
pub(crate) mod patience;
pub(crate) mod recipients;
pub(crate) mod template;
