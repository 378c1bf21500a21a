//! Consumers: the event handlers of a function.

use std::{collections::BTreeSet, future::ready, sync::Arc};

use access::AppState;
use axum::Router;
use db::{Db, DbError};
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::{
    Envelope, Erasure, EventSchema, Subscription, UnitOfWork, endpoint, erasure::TENANT_CLOSED,
};

/// What a consumer reads of an event. Declared with [`consumed_events!`](crate::consumed_events!).
///
/// It belongs to the consumer, so it has the fields that the consumer needs and no others. A test of the platform compares
/// them with the fields that the event has.
pub trait ConsumedEvent: DeserializeOwned + ToSchema + Send + 'static {
    /// The event types with these fields.
    const TYPES: &'static [&'static str];
}

/// Declares what the consumers of a context read, each with the event types that have these fields.
///
/// ```
/// events::consumed_events! {
///     /// A ticket was created.
///     TicketCreated = ["de.revalenz.support.ticket.created.v1"] {
///         ticket_id: ids::TicketId,
///     }
/// }
/// use events::ConsumedEvent;
/// assert_eq!(TicketCreated::TYPES, ["de.revalenz.support.ticket.created.v1"]);
/// ```
#[macro_export]
macro_rules! consumed_events {
    ($(
        $(#[doc = $doc:literal])* $name:ident = [$($type:expr),+ $(,)?] {
            $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)?
        }
    )*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, ::serde::Deserialize, ::utoipa::ToSchema)]
        pub(crate) struct $name {
            $($(#[$field_meta])* pub(crate) $field: $ty,)*
        }
        impl $crate::ConsumedEvent for $name {
            const TYPES: &'static [&'static str] = &[$($type),+];
        }
    )*};
}

consumed_events! {
    /// A tenant was closed.
    TenantClosed = [TENANT_CLOSED] {}
}

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

/// An async function that processes an event: `async fn(&S, &mut UnitOfWork, &Envelope, E)`. What it changes and publishes
/// through the unit of work is committed together with the inbox row.
pub trait EventHandler<'a, S, E>: Send + Sync {
    /// Processes an event.
    fn handle(
        &self,
        state: &'a S,
        unit: &'a mut UnitOfWork,
        event: &'a Envelope,
        data: E,
    ) -> BoxFuture<'a, Result<(), ConsumeError>>;
}

impl<'a, S: 'a, E, F, Fut> EventHandler<'a, S, E> for F
where
    F: Fn(&'a S, &'a mut UnitOfWork, &'a Envelope, E) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), ConsumeError>> + Send + 'a,
{
    fn handle(
        &self,
        state: &'a S,
        unit: &'a mut UnitOfWork,
        event: &'a Envelope,
        data: E,
    ) -> BoxFuture<'a, Result<(), ConsumeError>> {
        Box::pin(self(state, unit, event, data))
    }
}

impl<'a, S> EventHandler<'a, S, TenantClosed> for &'static Erasure {
    fn handle(
        &self,
        _state: &'a S,
        unit: &'a mut UnitOfWork,
        _event: &'a Envelope,
        _closed: TenantClosed,
    ) -> BoxFuture<'a, Result<(), ConsumeError>> {
        let erasure = *self;
        Box::pin(async move { Ok(erasure.request(unit).await?) })
    }
}

type BoxedHandler<S> = Arc<
    dyn for<'a> Fn(
            &'a S,
            &'a mut UnitOfWork,
            &'a Envelope,
        ) -> BoxFuture<'a, Result<(), ConsumeError>>
        + Send
        + Sync,
>;

/// The handler of a consumer for events of one type.
pub(crate) struct Consumer<S> {
    /// `<function>.<consumer>`, as stored in the inbox.
    pub(crate) name: String,
    short: &'static str,
    r#type: &'static str,
    fields: fn() -> BTreeSet<String>,
    pub(crate) handler: BoxedHandler<S>,
}

/// The consumers of one function.
pub struct Consumers<S> {
    function: &'static str,
    all: Vec<Consumer<S>>,
}

impl<S: 'static> Consumers<S> {
    /// No consumers yet.
    pub fn new(function: &'static str) -> Self {
        Self {
            function,
            all: Vec::new(),
        }
    }

    /// Adds a handler to a consumer, which may have one for each event type. The handler runs in one transaction with the inbox
    /// row of consumer and event, so redelivered events are skipped. Never rename a consumer: under a new name, redelivered
    /// events would be processed again.
    ///
    /// # Panics
    ///
    /// If the consumer already has a handler for the event type.
    pub fn on<E, H>(mut self, consumer: &'static str, handler: H) -> Self
    where
        E: ConsumedEvent,
        H: for<'a> EventHandler<'a, S, E> + 'static,
    {
        let handler = boxed(move |state, unit, event| match event.data_as::<E>() {
            Ok(data) => handler.handle(state, unit, event, data),
            Err(error) => Box::pin(ready(Err(error))),
        });
        for r#type in E::TYPES {
            assert!(
                !self.of_type(r#type).any(|other| other.short == consumer),
                "{consumer} already consumes {type}"
            );
            self.all.push(Consumer {
                name: format!("{}.{consumer}", self.function),
                short: consumer,
                r#type,
                fields: || EventSchema::of::<E>().field_paths(),
                handler: handler.clone(),
            });
        }
        self
    }

    /// Adds the consumer `tenant_closed`, which requests the erasure of a closed tenant's data.
    pub fn erasing(self, erasure: &'static Erasure) -> Self {
        self.on("tenant_closed", erasure)
    }

    /// The subscriptions, for the manifest.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        let mut all: Vec<Subscription> = Vec::new();
        for consumer in &self.all {
            let r#type = consumer.r#type.to_owned();
            let fields = (consumer.fields)();
            match all.iter_mut().find(|one| one.consumer == consumer.short) {
                Some(one) => {
                    one.types.push(r#type.clone());
                    one.fields.insert(r#type, fields);
                }
                None => all.push(Subscription {
                    function: self.function.to_owned(),
                    consumer: consumer.short.to_owned(),
                    types: vec![r#type.clone()],
                    fields: [(r#type, fields)].into(),
                }),
            }
        }
        all
    }

    /// The consumers of this event type.
    pub(crate) fn of_type(&self, r#type: &str) -> impl Iterator<Item = &Consumer<S>> {
        self.all
            .iter()
            .filter(move |consumer| consumer.r#type == r#type)
    }
}

impl<S: Send + Sync + 'static> Consumers<S> {
    /// The route `POST /internal/events`, for `Service::with_internal`.
    pub fn routes(self, state: S, db: Db, app: AppState) -> Router {
        endpoint::routes(self, state, db, app)
    }
}

/// Erases the type of a handler. The bound makes the closure accept any lifetime.
fn boxed<S, F>(handler: F) -> BoxedHandler<S>
where
    F: for<'a> Fn(
            &'a S,
            &'a mut UnitOfWork,
            &'a Envelope,
        ) -> BoxFuture<'a, Result<(), ConsumeError>>
        + Send
        + Sync
        + 'static,
{
    Arc::new(handler)
}
