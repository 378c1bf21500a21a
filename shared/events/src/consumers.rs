//! Consumers: the event handlers of a function.

use std::sync::Arc;

use access::AppState;
use axum::Router;
use db::{Db, DbError, TenantTx};
use futures::future::BoxFuture;

use crate::{Envelope, Subscription, endpoint};

/// Why a consumer could not process an event. The reason is stored with a parked event, so it must not contain personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsumeError {
    /// A later attempt may succeed; parked after the maximum number of attempts.
    #[error("{0}")]
    Retry(String),
    /// A dependency is unavailable (database, mail server). Unrelated to the event, so it is never parked.
    #[error("{0}")]
    Unavailable(String),
    /// The event can never be processed; parked immediately.
    #[error("{0}")]
    Poison(String),
}

impl From<DbError> for ConsumeError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::ForeignRow => Self::Poison(error.to_string()),
            // A tenant that does not exist will never exist.
            _ if error.is_constraint("inbox_tenant_fkey") => {
                Self::Poison("the tenant does not exist".to_owned())
            }
            DbError::Unavailable(ref cause) if !is_slow_statement(cause) => {
                Self::Unavailable(error.to_string())
            }
            // A constraint may refer to a row that another event will create, and a bug may be fixed before the attempts are used up.
            DbError::Constraint { .. }
            | DbError::LockTimeout
            | DbError::Contention
            | DbError::Unavailable(_)
            | DbError::Unexpected(_) => Self::Retry(error.to_string()),
        }
    }
}

/// Whether a statement was cancelled because it took too long, which may be caused by the event itself.
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

/// A consumer.
pub(crate) struct Consumer<S> {
    /// `<function>.<consumer>`, as stored in the inbox.
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
    /// No consumers yet.
    pub fn new(function: &'static str) -> Self {
        Self {
            function,
            all: Vec::new(),
        }
    }

    /// Adds a consumer. `handler` runs in one transaction with the inbox row of consumer and event, so redelivered events are
    /// skipped. Never rename a consumer: under a new name, redelivered events would be processed again.
    ///
    /// # Panics
    ///
    /// If the function already has a consumer of this name.
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

    /// The subscriptions, for the manifest.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        let subscription = |consumer: &Consumer<S>| Subscription {
            function: self.function.to_owned(),
            consumer: consumer.short.to_owned(),
            types: consumer.types.iter().map(ToString::to_string).collect(),
        };
        self.all.iter().map(subscription).collect()
    }

    /// The consumers of this event type.
    pub(crate) fn of_type(&self, r#type: &str) -> impl Iterator<Item = &Consumer<S>> {
        self.all
            .iter()
            .filter(move |consumer| consumer.types.contains(&r#type))
    }
}

impl<S: Send + Sync + 'static> Consumers<S> {
    /// The route `POST /internal/events`, for `Service::with_internal`.
    pub fn routes(self, state: S, db: Db, app: AppState) -> Router {
        endpoint::routes(self, state, db, app)
    }
}
