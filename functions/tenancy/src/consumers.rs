//! The events that this context consumes: a closed tenant's rows are erased.

use events::Consumers;

use crate::{App, NAME, erasure::ERASURE};

/// All consumers of this function.
pub(crate) fn all() -> Consumers<App> {
    Consumers::new(NAME).erasing(&ERASURE)
}
