//! Routes of this context.

use web::openapi::Routes;

use crate::{App, error::ALREADY_REPLAYED, http::dead_letters};

/// Method and path are declared at each handler.
pub(crate) fn routes() -> Routes<App> {
    web::routes! {
        dead_letters: list_dead_letters, receive_dead_letter, replay_dead_letter;
    }
    .refuses("replay_dead_letter", &[&ALREADY_REPLAYED])
}
