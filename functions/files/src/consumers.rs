//! Event consumers: a closed tenant's files are scheduled for erasure.

use events::Consumers;

use crate::{App, erasure::ERASURE};

/// All consumers of this function.
pub(crate) fn all() -> Consumers<App> {
    Consumers::new("files").erasing(&ERASURE)
}
