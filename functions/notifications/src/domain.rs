//! Rules that need no database: recipients, language, suppression, retries.

pub(crate) mod language;
pub(crate) mod mail_content;
pub(crate) mod recipients;
pub(crate) mod retry_policy;
pub(crate) mod suppression;
pub(crate) mod template;
