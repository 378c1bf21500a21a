//! The stage on which a test plays.

use std::{sync::Arc, time::Duration};

use access::{
    Gate, GateSettings, Keyring, REVALENZ,
    token::{AUDIENCE, Claims, LIFETIME, Signer},
};
use aws_lc_rs::signature::KeyPair;
use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, Probe};
use ids::{ApiKeyId, Id, RoleId, SessionId, TenantId, UserId};
use sqlx::PgConnection;
use utoipa::openapi::OpenApi;
use web::{Clock, Service, edge, edge::Edge};

use crate::{Client, Database, Person, TestTenant};

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

impl Stage {
    /// With these functions, each under its own database login.
    pub async fn of(functions: &[Function]) -> Self {
        let maker = |(name, make): &Function| -> (&'static str, Maker) { (*name, Arc::new(*make)) };
        Self::made_of(functions.iter().map(maker).collect()).await
    }

    /// The same, of functions that are made in any way.
    pub async fn made_of(functions: Vec<(&'static str, Maker)>) -> Self {
        let database = Database::create().await;
        let clock = Clock::standing_at(BEGINNING.parse().unwrap());
        let keyring = Keyring::parse(&Keyring::generate()).unwrap();
        let settings = GateSettings {
            public_url: PUBLIC_URL.to_owned(),
            // Nothing is remembered: what a test changes counts in its next line.
            remember: Duration::ZERO,
            local: false,
        };
        let first = functions.first().map_or("identity", |(name, _)| *name);
        let gate = Gate::new(
            Db::lazy(&database.login_url(first), 5).unwrap(),
            clock.clone(),
            keyring,
            settings,
        );
        let signer = signer(&mut database.admin().await, clock.now()).await;
        let mut stage = Self {
            clock,
            gate,
            database,
            functions,
            router: Router::new(),
            signer,
        };
        stage.router = stage.assemble(None);
        stage
    }

    /// The same caller, with the locks on tenant data as `probe` says (`decisions.md` 30).
    pub fn bend(&self, client: Client, probe: Option<Probe>) -> Client {
        match probe {
            Some(probe) => client.through(self.assemble(Some(probe))),
            None => client,
        }
    }

    fn assemble(&self, probe: Option<Probe>) -> Router {
        let services = self.services(probe);
        let router = access::cors::layer(web::service::compose(&services), self.gate.clone());
        edge::wrap(
            router,
            Edge {
                clock: self.clock.clone(),
                trusted_proxies: 0,
            },
        )
    }

    fn services(&self, probe: Option<Probe>) -> Vec<Service> {
        self.functions
            .iter()
            .map(|(name, make)| {
                let db = Db::lazy(&self.database.login_url(name), 5).unwrap();
                let db = probe.map_or(db.clone(), |probe| db.with_probe(probe));
                make(db, self.gate.clone())
            })
            .collect()
    }

    /// The merged document of the functions on this stage.
    pub fn document(&self) -> OpenApi {
        let documents = self
            .services(None)
            .into_iter()
            .map(|service| service.document)
            .collect();
        web::openapi::merge("test", "", documents)
    }

    /// Somebody without credentials.
    pub fn stranger(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// Somebody who is signed in.
    pub fn as_(&self, person: &Person) -> Client {
        self.stranger().bearer(&self.token(person))
    }

    /// A token for somebody, good from now on for ten minutes.
    pub fn token(&self, person: &Person) -> String {
        self.signer.sign(&self.claims(person)).unwrap()
    }

    /// What a token for somebody says; for tests that bend it.
    pub fn claims(&self, person: &Person) -> Claims {
        let now = self.clock.now();
        Claims {
            iss: PUBLIC_URL.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: person.id,
            tid: person.tenant,
            sid: person.session,
            role: person.role.clone(),
            amr: vec!["pwd".to_owned()],
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
            jti: SessionId::at(now).to_string(),
        }
    }

    /// Signs any claims with the stage's key.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// A superuser's connection to the database: for arranging and looking, never for acting.
    pub async fn admin(&self) -> PgConnection {
        self.database.admin().await
    }

    /// A tenant with everybody in it, all signed in.
    pub async fn tenant(&self, slug: &str) -> TestTenant {
        let now = self.clock.now();
        let id = TenantId::at(now);
        let mut admin = self.admin().await;
        insert_tenant(&mut admin, id, slug, now).await;
        let mut people = Vec::new();
        for (key, role) in [
            ("admin", "admin"),
            ("manager", "manager"),
            ("expert", "expert"),
            ("expert2", "expert"),
            ("customer", "customer"),
            ("customer2", "customer"),
        ] {
            people.push(
                insert_person(&mut admin, id, role, &format!("{key}@{slug}.example"), now).await,
            );
        }
        let mut people = people.into_iter();
        let mut next = || people.next().unwrap();
        TestTenant {
            id,
            slug: slug.to_owned(),
            admin: next(),
            manager: next(),
            expert: next(),
            expert2: next(),
            customer: next(),
            customer2: next(),
        }
    }

    /// One more person in a tenant.
    pub async fn person(&self, tenant: TenantId, role: &str, email: &str) -> Person {
        insert_person(
            &mut self.admin().await,
            tenant,
            role,
            email,
            self.clock.now(),
        )
        .await
    }

    /// One of the platform's own staff.
    pub async fn superadmin(&self) -> Person {
        let email = format!(
            "staff-{}@revalenz.example",
            uuid::Uuid::from_bytes(access::opaque::random()).simple()
        );
        self.person(REVALENZ, "superadmin", &email).await
    }

    /// A caller with a key of the tenant.
    pub async fn key(&self, tenant: TenantId, scopes: &[&str]) -> Client {
        let now = self.clock.now();
        let key = access::api_key::ApiKeySecret::generate(tenant, ApiKeyId::at(now));
        sqlx::query(
            "insert into access.api_keys (tenant_id, api_key_id, name, secret_hash, scopes, created_by_kind, created_at, updated_at)
            values ($1, $2, 'test', $3, $4, 'system', $5, $5)",
        )
        .bind(tenant)
        .bind(key.id)
        .bind(key.hash().to_vec())
        .bind(scopes.iter().map(ToString::to_string).collect::<Vec<_>>())
        .bind(now)
        .execute(&mut self.admin().await)
        .await
        .unwrap();
        self.stranger().with("x-api-key", &key.to_text())
    }
}

async fn signer(admin: &mut PgConnection, now: DateTime<Utc>) -> Signer {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
    // `retired`: good for checking, and not in the way of the key that identity makes.
    sqlx::query("insert into access.signing_keys (key_id, public_key, status, created_at, retired_at) values ('testkit', $1, 'retired', $2, $2)")
        .bind(pair.public_key().as_ref())
        .bind(now)
        .execute(admin)
        .await
        .unwrap();
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    Signer::new("testkit", pkcs8.as_ref())
}

async fn insert_tenant(admin: &mut PgConnection, id: TenantId, slug: &str, now: DateTime<Utc>) {
    let features = serde_json::json!({"support": true, "files": true});
    sqlx::query(
        "insert into access.tenants (tenant_id, slug, name, status, features, max_users, locale, time_zone, created_at, updated_at)
        values ($1, $2, $2, 'active', $3, 1000, 'en', 'Europe/Berlin', $4, $4)",
    )
    .bind(id)
    .bind(slug)
    .bind(features)
    .bind(now)
    .execute(&mut *admin)
    .await
    .unwrap();
    sqlx::query(
        "insert into tenancy.tenants (tenant_id, slug, name, email, status, license_type, region, currency, locale, time_zone, max_users, created_at, updated_at)
        values ($1, $2, $2, $2 || '@example.org', 'active', 'standard', 'eu', 'EUR', 'en', 'Europe/Berlin', 1000, $3, $3)",
    )
    .bind(id)
    .bind(slug)
    .bind(now)
    .execute(&mut *admin)
    .await
    .unwrap();
    for role in ["admin", "manager", "expert", "customer"] {
        sqlx::query(
            "insert into access.roles (tenant_id, role_id, name, base_role, built_in, permissions, created_at, updated_at)
            select $1, $2, $3, $3, true, jsonb_object_agg(permission, reach), $4, $4
            from access.builtin_grants where base_role = $3",
        )
        .bind(id)
        .bind(RoleId::at(now))
        .bind(role)
        .bind(now)
        .execute(&mut *admin)
        .await
        .unwrap();
    }
}

async fn insert_person(
    admin: &mut PgConnection,
    tenant: TenantId,
    role: &str,
    email: &str,
    now: DateTime<Utc>,
) -> Person {
    let (id, session): (UserId, SessionId) = (Id::at(now), Id::at(now));
    let role_id: RoleId =
        sqlx::query_scalar("select role_id from access.roles where tenant_id = $1 and name = $2")
            .bind(tenant)
            .bind(role)
            .fetch_one(&mut *admin)
            .await
            .unwrap();
    let name = email.split('@').next().unwrap_or_default();
    sqlx::query(
        "insert into access.people (tenant_id, user_id, role_id, email, display_name, locale, time_zone, status, updated_at)
        values ($1, $2, $3, $4, $5, 'en', 'Europe/Berlin', 'active', $6)",
    )
    .bind(tenant)
    .bind(id)
    .bind(role_id)
    .bind(email)
    .bind(name)
    .bind(now)
    .execute(&mut *admin)
    .await
    .unwrap();
    sqlx::query(
        "insert into identity.users (tenant_id, user_id, role_id, email, given_name, family_name, display_name, status, locale, time_zone, email_verified_at, created_at, updated_at)
        values ($1, $2, $3, $4, $5, 'Test', $5, 'active', 'en', 'Europe/Berlin', $6, $6, $6)",
    )
    .bind(tenant)
    .bind(id)
    .bind(role_id)
    .bind(email)
    .bind(name)
    .bind(now)
    .execute(&mut *admin)
    .await
    .unwrap();
    for table in ["access.sessions", "identity.sessions"] {
        let columns = if table == "access.sessions" {
            "amr"
        } else {
            "refresh_hash, rotated_at"
        };
        let values = if table == "access.sessions" {
            "'{pwd}'"
        } else {
            "sha256($2::text::bytea), $4"
        };
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "insert into {table} (tenant_id, session_id, user_id, created_at, expires_at, {columns})
            values ($1, $2, $3, $4, $5, {values})"
        )))
        .bind(tenant)
        .bind(session)
        .bind(id)
        .bind(now)
        .bind(now + TimeDelta::days(30))
        .execute(&mut *admin)
        .await
        .unwrap();
    }
    Person {
        id,
        tenant,
        session,
        role_id,
        role: role.to_owned(),
        email: email.to_owned(),
    }
}
