//! Event consumers: a closed tenant's tickets are scheduled for erasure.

use events::Consumers;

use crate::{App, erasure::ERASURE};

/// All consumers of this function.
pub(crate) fn all() -> Consumers<App> {
    Consumers::new("support").erasing(&ERASURE)
}
