//! The state of a plain context.

use access::{AppState, Purpose};
use axum::extract::FromRef;
use db::Db;
use web::Cursors;

use crate::Backend;

/// The state of a context without dependencies of its own.
#[derive(Clone, Debug)]
pub struct App {
    /// The pool of its database login.
    pub db: Db,
    /// The state shared by all contexts.
    pub state: AppState,
    /// Cursors of its lists.
    pub cursors: Cursors,
}

impl App {
    /// State over this database.
    pub fn new(db: Db, state: AppState) -> Self {
        Self {
            cursors: Cursors::new(&state.keyring().derive(Purpose::Cursors)),
            db,
            state,
        }
    }
}

impl Backend for App {
    fn db(&self) -> &Db {
        &self.db
    }

    fn state(&self) -> &AppState {
        &self.state
    }
}

impl FromRef<App> for AppState {
    fn from_ref(app: &App) -> Self {
        app.state.clone()
    }
}
