//! The stage on which a test plays.

mod cast;
mod rows;
mod tokens;

use std::{sync::Arc, time::Duration};

use access::{Gate, GateSettings, Keyring, token::Signer};
use axum::Router;
use db::{Db, Probe};
use sqlx::PgConnection;
use utoipa::openapi::OpenApi;
use web::{Clock, Service, edge, edge::Edge};

use crate::{Client, Database};

/// A function under test: its name (also of its login) and how it is made.
pub type Function = (&'static str, fn(Db, Gate) -> Service);

/// A function whose making remembers something, such as settings of one test.
pub type Maker = Arc<dyn Fn(Db, Gate) -> Service + Send + Sync>;

/// A fresh database with functions in front of it.
pub struct Stage {
    /// Stands still until it is moved.
    pub clock: Clock,
    /// Authenticates for all functions.
    pub gate: Gate,
    /// Its database.
    pub database: Database,
    functions: Vec<(&'static str, Maker)>,
    router: Router,
    signer: Signer,
}

/// When every test begins.
pub const BEGINNING: &str = "2026-11-20T10:00:00Z";
/// The issuer of tokens in tests.
pub const PUBLIC_URL: &str = "https://api.revalenz.example";

/// More than any test has requests under way.
const PLACES: usize = 4_096;

impl Stage {
    /// With these functions, each under its own database login.
    pub async fn of(functions: &[Function]) -> Self {
        Self::with_places(functions, PLACES).await
    }

    /// The same where no more than so many requests may be under way at once.
    pub async fn with_places(functions: &[Function], in_flight: usize) -> Self {
        let maker = |(name, make): &Function| -> (&'static str, Maker) { (*name, Arc::new(*make)) };
        Self::make(functions.iter().map(maker).collect(), in_flight).await
    }

    /// Of functions that are made in any way.
    pub async fn made_of(functions: Vec<(&'static str, Maker)>) -> Self {
        Self::make(functions, PLACES).await
    }

    async fn make(functions: Vec<(&'static str, Maker)>, in_flight: usize) -> Self {
        let database = Database::create().await;
        let clock = Clock::standing_at(BEGINNING.parse().unwrap());
        let keyring = Keyring::parse(&Keyring::generate()).unwrap();
        let settings = GateSettings {
            public_url: PUBLIC_URL.to_owned(),
            // Nothing is remembered: what a test changes counts in its next line.
            remember: Duration::ZERO,
            local: false,
            in_flight,
        };
        let first = functions.first().map_or("identity", |(name, _)| *name);
        let gate = Gate::new(
            Db::lazy(&database.login_url(first), 5).unwrap(),
            clock.clone(),
            keyring,
            settings,
        );
        let mut admin = database.admin().await;
        let signer = tokens::signer(&mut admin, clock.now()).await;
        rows::unlimit(&mut admin, access::REVALENZ).await;
        let mut stage = Self {
            clock,
            gate,
            database,
            functions,
            router: Router::new(),
            signer,
        };
        stage.router = stage.assemble(&stage.gate, None);
        stage
    }

    /// The same caller, with the locks on tenant data as `probe` says (`decisions.md` 30).
    pub fn bend(&self, client: Client, probe: Option<Probe>) -> Client {
        match probe {
            Some(probe) => client.through(self.assemble(&self.gate, Some(probe))),
            None => client,
        }
    }

    /// The same caller at another process of these functions, which shares the database and the keys with this one and nothing
    /// else.
    pub fn elsewhere(&self, client: Client) -> Client {
        let login = self.functions.first().map_or("identity", |(name, _)| *name);
        let gate = Gate::new(
            Db::lazy(&self.database.login_url(login), 5).unwrap(),
            self.clock.clone(),
            self.gate.keyring().clone(),
            self.gate.settings().clone(),
        );
        client.through(self.assemble(&gate, None))
    }

    /// Somebody without credentials who calls another process over the same database: it has functions and memories of its own.
    pub fn another_process(&self, functions: &[Function], remember: Duration) -> Client {
        let settings = GateSettings {
            remember,
            ..self.gate.settings().clone()
        };
        let first = functions.first().map_or("identity", |(name, _)| *name);
        let gate = Gate::new(
            Db::lazy(&self.database.login_url(first), 5).unwrap(),
            self.clock.clone(),
            self.gate.keyring().clone(),
            settings,
        );
        let services: Vec<Service> = functions
            .iter()
            .map(|(name, make)| {
                let db = Db::lazy(&self.database.login_url(name), 5).unwrap();
                make(db, gate.clone())
            })
            .collect();
        let router = access::entrance::layer(web::service::compose(&services), gate);
        let edge = Edge {
            clock: self.clock.clone(),
            trusted_proxies: 0,
        };
        Client::new(edge::wrap(router, edge))
    }

    fn assemble(&self, gate: &Gate, probe: Option<Probe>) -> Router {
        let services = self.services(gate, probe);
        let mut router = access::entrance::layer(web::service::compose(&services), gate.clone());
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

    fn services(&self, gate: &Gate, probe: Option<Probe>) -> Vec<Service> {
        self.functions
            .iter()
            .map(|(name, make)| {
                let db = Db::lazy(&self.database.login_url(name), 5).unwrap();
                let db = probe.map_or(db.clone(), |probe| db.with_probe(probe));
                make(db, gate.clone())
            })
            .collect()
    }

    /// The merged document of the functions on this stage.
    pub fn document(&self) -> OpenApi {
        let documents = self
            .services(&self.gate, None)
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
    pub fn stranger(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// A superuser's connection to the database: for arranging and looking, never for acting.
    pub async fn admin(&self) -> PgConnection {
        self.database.admin().await
    }
}
