//! Event consumers: erases the users of closed tenants.

use events::Consumers;

use crate::{App, erasure::ERASURE};

/// All consumers of this function.
pub(crate) fn all() -> Consumers<App> {
    Consumers::new("identity").erasing(&ERASURE)
}
