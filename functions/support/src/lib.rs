//! Support tickets between a tenant's customers and its staff, with comments and an append-only history.
//!
//! Customers see their own tickets and public comments; staff work on all tickets of their tenant.

mod consumers;
mod database_exceptions;
pub mod declarations;
mod domain;
mod erasure;
pub mod error;
pub mod events;
mod http;
pub mod ids;
pub mod jobs;
pub mod permissions;
mod routes;
mod store;
mod tables;

pub(crate) use ::events::App;
use ::events::Context;
use access::AppState;
use db::Db;
use web::Service;

/// Everything about this context.
pub static CONTEXT: Context = Context {
    flag: Some(declarations::FLAG),
    settings: declarations::SETTINGS,
    file_resources: declarations::FILE_RESOURCES,
    permissions: permissions::DECLARED,
    problems: error::ALL,
    events: events::ALL,
    subscriptions: || consumers::all().subscriptions(),
    jobs: jobs::ALL,
    tables: tables::TABLES,
    database: database_exceptions::DATABASE,
    demo: Some(include_str!("../demo.json")),
    ..Context::new(
        "support",
        "Tickets between a tenant's customers and its experts: comments, history, search.",
        |parts| Ok(service(parts.db, parts.state).into()),
    )
};

/// Builds the service of this context.
pub fn service(db: Db, state: AppState) -> Service {
    CONTEXT.service(
        App::new(db, state),
        routes::routes(),
        consumers::all(),
        jobs::all(),
    )
}
