//! The stage on which a test plays.

mod fixtures;
mod rows;
mod tokens;

use std::{sync::Arc, time::Duration};

use access::{AppSettings, AppState, Keyring, token::Signer};
use axum::Router;
use db::{Db, LockProbe};
use sqlx::PgConnection;
use utoipa::openapi::OpenApi;
use web::{Clock, Service, edge, edge::Edge};

use crate::{Client, Database};

/// A function under test: its name (also of its login) and how it is made.
pub type Function = (&'static str, fn(Db, AppState) -> Service);

/// A function whose making remembers something, such as settings of one test.
pub type ServiceFactory = Arc<dyn Fn(Db, AppState) -> Service + Send + Sync>;

/// A fresh database with functions in front of it.
pub struct TestApp {
    /// Stands still until it is moved.
    pub clock: Clock,
    /// Authenticates for all functions.
    pub state: AppState,
    /// Its database.
    pub database: Database,
    functions: Vec<(&'static str, ServiceFactory)>,
    router: Router,
    signer: Signer,
}

/// When every test begins.
pub const TEST_EPOCH: &str = "2026-11-20T10:00:00Z";
/// The issuer of tokens in tests.
pub const PUBLIC_URL: &str = "https://api.revalenz.example";

/// More than any test has requests under way.
const MAX_IN_FLIGHT: usize = 4_096;

impl TestApp {
    /// With these functions, each under its own database login.
    pub async fn new(functions: &[Function]) -> Self {
        Self::with_max_in_flight(functions, MAX_IN_FLIGHT).await
    }

    /// The same where no more than so many requests may be under way at once.
    pub async fn with_max_in_flight(functions: &[Function], in_flight: usize) -> Self {
        let maker = |(name, make): &Function| -> (&'static str, ServiceFactory) {
            (*name, Arc::new(*make))
        };
        Self::build(functions.iter().map(maker).collect(), in_flight).await
    }

    /// Of functions that are made in any way.
    pub async fn from_factories(functions: Vec<(&'static str, ServiceFactory)>) -> Self {
        Self::build(functions, MAX_IN_FLIGHT).await
    }

    async fn build(functions: Vec<(&'static str, ServiceFactory)>, in_flight: usize) -> Self {
        let database = Database::lease().await;
        let clock = Clock::fixed_at(TEST_EPOCH.parse().unwrap());
        let keyring = Keyring::parse(&Keyring::generate()).unwrap();
        let settings = AppSettings {
            public_url: PUBLIC_URL.to_owned(),
            // Nothing is remembered: what a test changes counts in its next line.
            cache_ttl: Duration::ZERO,
            local: false,
            in_flight,
        };
        let first = functions.first().map_or("identity", |(name, _)| *name);
        let state = AppState::new(
            Db::connect_lazy(&database.login_url(first), 5).unwrap(),
            clock.clone(),
            keyring,
            settings,
        );
        let mut admin = database.admin().await;
        let signer = tokens::signer(&mut admin, clock.now()).await;
        rows::unlimit(&mut admin, access::REVALENZ).await;
        let mut app = Self {
            clock,
            state,
            database,
            functions,
            router: Router::new(),
            signer,
        };
        app.router = app.assemble(&app.state, None);
        app
    }

    /// The same caller, with the locks on tenant data as `probe` says (`decisions.md` 30).
    pub fn with_locks(&self, client: Client, probe: Option<LockProbe>) -> Client {
        match probe {
            Some(probe) => client.with_router(self.assemble(&self.state, Some(probe))),
            None => client,
        }
    }

    /// The same caller at another process of these functions, which shares the database and the keys with this one and nothing
    /// else.
    pub fn second_process(&self, client: Client) -> Client {
        let login = self.functions.first().map_or("identity", |(name, _)| *name);
        let state = AppState::new(
            Db::connect_lazy(&self.database.login_url(login), 5).unwrap(),
            self.clock.clone(),
            self.state.keyring().clone(),
            self.state.settings().clone(),
        );
        client.with_router(self.assemble(&state, None))
    }

    /// Somebody without credentials who calls another process over the same database: it has functions and memories of its own.
    pub fn another_process(&self, functions: &[Function], cache_ttl: Duration) -> Client {
        let settings = AppSettings {
            cache_ttl,
            ..self.state.settings().clone()
        };
        let first = functions.first().map_or("identity", |(name, _)| *name);
        let state = AppState::new(
            Db::connect_lazy(&self.database.login_url(first), 5).unwrap(),
            self.clock.clone(),
            self.state.keyring().clone(),
            settings,
        );
        let services: Vec<Service> = functions
            .iter()
            .map(|(name, make)| {
                let db = Db::connect_lazy(&self.database.login_url(name), 5).unwrap();
                make(db, state.clone())
            })
            .collect();
        let router = access::load_shed::layer(web::service::compose(&services), state);
        let edge = Edge {
            clock: self.clock.clone(),
            trusted_proxies: 0,
        };
        Client::new(edge::wrap(router, edge))
    }

    fn assemble(&self, state: &AppState, probe: Option<LockProbe>) -> Router {
        let services = self.services(state, probe);
        let mut router = access::load_shed::layer(web::service::compose(&services), state.clone());
        // Every function has it under the same paths: it is served where a function is alone.
        if let [alone] = services.as_slice() {
            router = router.merge(alone.internal.clone());
        }
        edge::wrap(
            router,
            Edge {
                clock: self.clock.clone(),
                trusted_proxies: 0,
            },
        )
    }

    fn services(&self, state: &AppState, probe: Option<LockProbe>) -> Vec<Service> {
        self.functions
            .iter()
            .map(|(name, make)| {
                let db = Db::connect_lazy(&self.database.login_url(name), 5).unwrap();
                let db = probe.map_or(db.clone(), |probe| db.with_probe(probe));
                make(db, state.clone())
            })
            .collect()
    }

    /// The merged document of the functions on this stage.
    pub fn document(&self) -> OpenApi {
        let documents = self
            .services(&self.state, None)
            .into_iter()
            .map(|service| service.document)
            .collect();
        web::openapi::merge("test", "", documents)
    }

    /// Everything behind the port, for a test that serves it on one.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Somebody without credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// A superuser's connection to the database: for arranging and looking, never for acting.
    pub async fn admin(&self) -> PgConnection {
        self.database.admin().await
    }
}
