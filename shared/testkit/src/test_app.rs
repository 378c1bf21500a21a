//! The application under test.

mod fixtures;
mod rows;
mod tokens;

use std::{sync::Arc, time::Duration};

use access::{AppSettings, AppState, Keyring, declarations::Flag, opaque::random, token::Signer};
use axum::Router;
use db::{Db, LockProbe};
use events::{Context, Environment, Parts};
use sqlx::PgConnection;
use utoipa::openapi::OpenApi;
use web::{Clock, Service, edge, edge::Edge};

use crate::{Client, Database};

/// A function under test: its name, also of its login, and its constructor.
pub type Function = (&'static str, fn(Db, AppState) -> Service);

/// A constructor with captured state, such as the settings of a test.
pub type ServiceFactory = Arc<dyn Fn(Db, AppState) -> Service + Send + Sync>;

/// Functions with a database of their own.
pub struct TestApp {
    /// Fixed until advanced.
    pub clock: Clock,
    /// The state shared by all functions.
    pub state: AppState,
    /// The database.
    pub database: Database,
    functions: Vec<(&'static str, ServiceFactory)>,
    /// Feature flags that are on for its tenants.
    features: Vec<&'static str>,
    router: Router,
    signer: Signer,
}

/// The time at which every test starts.
pub const TEST_EPOCH: &str = "2026-11-20T10:00:00Z";
/// The issuer of tokens in tests.
pub const PUBLIC_URL: &str = "https://api.revalenz.example";

/// More than the number of concurrent requests of any test.
const MAX_IN_FLIGHT: usize = 4_096;

impl TestApp {
    /// Creates an app of these contexts as a developer's machine would start them.
    pub async fn of(contexts: &[&'static Context]) -> Self {
        Self::with_environment(contexts, &Environment::of([])).await
    }

    /// Like [`of`](Self::of), with these environment variables.
    pub async fn with_environment(
        contexts: &[&'static Context],
        environment: &Environment,
    ) -> Self {
        let folder = std::env::temp_dir().join(format!("rvz-{}", uuid::Uuid::from_bytes(random())));
        let environment = environment
            .clone()
            // A mail server that is never asked: with the public address of the tests, mail is not captured.
            .or(Environment::of([(
                "REVALENZ_SMTP_URL",
                "smtp://127.0.0.1:1",
            )]))
            .or(Environment::local(contexts.iter().copied(), &folder))
            // Nothing listens; a public address would demand what a production process needs.
            .or(Environment::of([("REVALENZ_ADDRESS", "127.0.0.1")]));
        let factory = |context: &&'static Context| -> (&'static str, ServiceFactory) {
            let (start, environment) = (context.start, environment.clone());
            let make = move |db, state| {
                let environment = environment.clone();
                start(Parts {
                    db,
                    state,
                    environment,
                })
                .unwrap()
                .service
            };
            (context.name, Arc::new(make))
        };
        let features = contexts
            .iter()
            .filter_map(|context| context.flag.map(Flag::as_str));
        let functions = contexts.iter().map(factory).collect();
        Self::build(functions, features.collect(), MAX_IN_FLIGHT).await
    }

    /// Creates an app of these functions, each with its own database login, and the feature flags of the same names.
    pub async fn new(functions: &[Function]) -> Self {
        Self::with_max_in_flight(functions, MAX_IN_FLIGHT).await
    }

    /// Like [`new`](Self::new), with a limit of concurrent requests.
    pub async fn with_max_in_flight(functions: &[Function], in_flight: usize) -> Self {
        let factory = |(name, make): &Function| -> (&'static str, ServiceFactory) {
            (*name, Arc::new(*make))
        };
        let features = functions.iter().map(|(name, _)| *name).collect();
        Self::build(functions.iter().map(factory).collect(), features, in_flight).await
    }

    /// Creates an app of functions with custom constructors.
    pub async fn from_factories(functions: Vec<(&'static str, ServiceFactory)>) -> Self {
        let features = functions.iter().map(|(name, _)| *name).collect();
        Self::build(functions, features, MAX_IN_FLIGHT).await
    }

    async fn build(
        functions: Vec<(&'static str, ServiceFactory)>,
        features: Vec<&'static str>,
        in_flight: usize,
    ) -> Self {
        let database = Database::lease().await;
        let clock = Clock::fixed_at(TEST_EPOCH.parse().unwrap());
        let keyring = Keyring::parse(&Keyring::generate()).unwrap();
        let settings = AppSettings {
            public_url: PUBLIC_URL.to_owned(),
            // No caching: a test's changes take effect immediately.
            cache_ttl: Duration::ZERO,
            local: false,
            in_flight,
        };
        let state = AppState::new(
            shared_pool(&database, functions.first().map(|(name, _)| *name)),
            clock.clone(),
            keyring,
            settings,
        );
        let mut admin = database.admin().await;
        let signer = tokens::signer(&mut admin, clock.now()).await;
        rows::raise_rate_limits(&mut admin, access::REVALENZ).await;
        let mut app = Self {
            clock,
            state,
            database,
            functions,
            features,
            router: Router::new(),
            signer,
        };
        app.router = app.assemble(&app.state, None);
        app
    }

    /// The same caller, with one lock on tenant data disabled as described by `probe` (`decisions.md` 30).
    pub fn with_locks(&self, client: Client, probe: Option<LockProbe>) -> Client {
        match probe {
            Some(probe) => client.with_router(self.assemble(&self.state, Some(probe))),
            None => client,
        }
    }

    /// The same caller at a second process of these functions, which shares only the database and the keys with the first.
    pub fn second_process(&self, client: Client) -> Client {
        let state = AppState::new(
            shared_pool(
                &self.database,
                self.functions.first().map(|(name, _)| *name),
            ),
            self.clock.clone(),
            self.state.keyring().clone(),
            self.state.settings().clone(),
        );
        client.with_router(self.assemble(&state, None))
    }

    /// An anonymous client of another process with the same database, but its own functions and caches.
    pub fn another_process(&self, functions: &[Function], cache_ttl: Duration) -> Client {
        let settings = AppSettings {
            cache_ttl,
            ..self.state.settings().clone()
        };
        let state = AppState::new(
            shared_pool(&self.database, functions.first().map(|(name, _)| *name)),
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
        // Internal routes have the same paths in every function, so they are only served for a single function.
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

    /// The internal routes of every function.
    pub fn internal(&self) -> Vec<(&'static str, Router)> {
        let services = self.services(&self.state, None);
        let internal = services.into_iter().map(|one| (one.name, one.internal));
        internal.collect()
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

    /// The merged OpenAPI document of all functions.
    pub fn document(&self) -> OpenApi {
        let documents = self
            .services(&self.state, None)
            .into_iter()
            .map(|service| service.document)
            .collect();
        web::openapi::merge("test", "", documents)
    }

    /// The complete router, for a test that serves it on a port.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// A client without credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// A superuser's connection to the database, to arrange and inspect data, never for the action under test.
    pub async fn admin(&self) -> PgConnection {
        self.database.admin().await
    }
}

/// The pool through which the shared state reads tenants, people and keys: the login of this function, or of any, as all may.
fn shared_pool(database: &Database, function: Option<&str>) -> Db {
    let any = db::migrate::functions();
    let login = function.or_else(|| any.first().map(String::as_str));
    Db::connect_lazy(&database.login_url(login.unwrap()), 5).unwrap()
}
