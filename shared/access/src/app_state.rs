//! What all functions of a process share.

use std::{sync::Arc, time::Duration};

use db::Db;
use web::Clock;

use crate::{InternalAuth, Keyring, authenticator::Authenticator};

/// Settings of the shared state.
#[derive(Clone, Debug)]
pub struct AppSettings {
    /// The platform's public address: the `iss` claim of access tokens.
    pub public_url: String,
    /// How long tenants, sessions, roles and keys may be cached: at most 15 s, so that a revocation reaches every process
    /// within a minute.
    pub cache_ttl: Duration,
    /// Whether browsers on loopback addresses may call (local development).
    pub local: bool,
    /// Maximum number of concurrent requests; a single tenant may use half of them.
    pub in_flight: usize,
}

/// The state that all functions of a process share: clock, keys, settings, authentication. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    keyring: Keyring,
    settings: AppSettings,
    internal_auth: InternalAuth,
    authenticator: Authenticator,
}

impl AppState {
    /// State over this database. The secret of internal callers is derived from the master key.
    pub fn new(db: Db, clock: Clock, keyring: Keyring, settings: AppSettings) -> Self {
        let internal_auth = InternalAuth::derived(&keyring);
        Self::with_internal_auth(db, clock, keyring, settings, internal_auth)
    }

    /// Like [`new`](Self::new), with explicit credentials for internal callers.
    pub fn with_internal_auth(
        db: Db,
        clock: Clock,
        keyring: Keyring,
        settings: AppSettings,
        internal_auth: InternalAuth,
    ) -> Self {
        Self(Arc::new(Inner {
            authenticator: Authenticator::new(db, clock.clone(), &settings),
            clock,
            keyring,
            settings,
            internal_auth,
        }))
    }

    /// The clock. Functions never read the system time directly.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The keys derived from the master key.
    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    /// The credentials of internal callers: relay and scheduler.
    pub fn internal_auth(&self) -> &InternalAuth {
        &self.0.internal_auth
    }

    /// The settings.
    pub fn settings(&self) -> &AppSettings {
        &self.0.settings
    }

    /// Authentication of callers, with its caches.
    pub fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }
}
