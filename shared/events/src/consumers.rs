//! What a function does about events.

use std::sync::Arc;

use access::AppState;
use axum::Router;
use db::{Db, DbError, TenantTx};
use futures::future::BoxFuture;

use crate::{Envelope, Subscription, endpoint};

/// Why a consumer could not take an event. The reason is kept beside a parked event: no names, no addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsumeError {
    /// It may go well later; parked after so many of these.
    #[error("{0}")]
    Retry(String),
    /// Something that it needs is away (the database, the mail server): not the event's fault, so never parked.
    #[error("{0}")]
    Unavailable(String),
    /// It never will: parked at once.
    #[error("{0}")]
    Poison(String),
}

impl From<DbError> for ConsumeError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::ForeignRow => Self::Poison(error.to_string()),
            // A tenant that does not exist will not come into being.
            _ if error.is_constraint("inbox_tenant_fkey") => {
                Self::Poison("there is no such tenant".to_owned())
            }
            DbError::Unavailable(ref cause) if !is_slow_statement(cause) => {
                Self::Unavailable(error.to_string())
            }
            // A constraint may be about a row that another event still brings; a bug may be mended before the tries end.
            DbError::Constraint { .. }
            | DbError::LockTimeout
            | DbError::Contention
            | DbError::Unavailable(_)
            | DbError::Unexpected(_) => Self::Retry(error.to_string()),
        }
    }
}

/// Cancelled because it took too long, which may well be this event's own doing.
fn is_slow_statement(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "57014")
}

pub(crate) type Handler<S> = Arc<
    dyn for<'a> Fn(&'a S, &'a mut TenantTx, &'a Envelope) -> BoxFuture<'a, Result<(), ConsumeError>>
        + Send
        + Sync,
>;

/// One of them.
pub(crate) struct Consumer<S> {
    /// `<function>.<consumer>`, as the inbox knows it.
    pub(crate) name: String,
    short: &'static str,
    types: &'static [&'static str],
    pub(crate) handler: Handler<S>,
}

/// The consumers of one function.
pub struct Consumers<S> {
    function: &'static str,
    all: Vec<Consumer<S>>,
}

impl<S> Consumers<S> {
    /// None yet.
    pub fn new(function: &'static str) -> Self {
        Self {
            function,
            all: Vec::new(),
        }
    }

    /// Adds one. `handler` runs in one transaction with the inbox row of consumer and event, so what comes again runs
    /// nothing. The name is for ever: under another name everything that still comes again runs again.
    ///
    /// # Panics
    ///
    /// When the function has a consumer of this name: the second one would never run.
    pub fn on<F>(
        mut self,
        consumer: &'static str,
        types: &'static [&'static str],
        handler: F,
    ) -> Self
    where
        F: for<'a> Fn(
                &'a S,
                &'a mut TenantTx,
                &'a Envelope,
            ) -> BoxFuture<'a, Result<(), ConsumeError>>
            + Send
            + Sync
            + 'static,
    {
        assert!(
            self.all.iter().all(|other| other.short != consumer),
            "two consumers are named {consumer}"
        );
        self.all.push(Consumer {
            name: format!("{}.{consumer}", self.function),
            short: consumer,
            types,
            handler: Arc::new(handler),
        });
        self
    }

    /// Who listens to what, for the manifest.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        let subscription = |consumer: &Consumer<S>| Subscription {
            function: self.function.to_owned(),
            consumer: consumer.short.to_owned(),
            types: consumer.types.iter().map(ToString::to_string).collect(),
        };
        self.all.iter().map(subscription).collect()
    }

    /// Those that listen to this type.
    pub(crate) fn of_type(&self, r#type: &str) -> impl Iterator<Item = &Consumer<S>> {
        self.all
            .iter()
            .filter(move |consumer| consumer.types.contains(&r#type))
    }
}

impl<S: Send + Sync + 'static> Consumers<S> {
    /// `POST /internal/events` over this state and database: for `Service::with_internal`.
    pub fn routes(self, state: S, db: Db, app: AppState) -> Router {
        endpoint::routes(self, state, db, app)
    }
}
