//! The demo: two tenants with people and tickets.
//!
//! It is loaded once, through the API ([`client`]), with the steps that contexts declare ([`script`]). A tenant that exists in the
//! database is never loaded again; a missing one is loaded with the passwords in `demo.json`. An interrupted load continues at the
//! next start ([`checkpoint`]). When `demo.json` does not match the database, the people get new passwords ([`reset`]).

mod checkpoint;
mod client;
mod load;
mod reset;
mod runner;
mod schedule;
mod script;
#[cfg(test)]
mod tests;

use std::path::Path;

use access::{Keyring, directory};
use chrono::{DateTime, Utc};
use events::Environment;
use ids::TenantId;
use web::{Clock, Email};

pub use self::load::errors_only;
use self::{checkpoint::Checkpoint, client::DemoClient, script::TenantScript};
use crate::{
    Error,
    database::Database,
    sign_ins::{self, SignIns, Tenant},
};

/// Everything that loading the demo needs.
#[derive(Clone)]
pub struct Demo {
    /// Database to load into.
    pub database: Database,
    /// Decrypts the first invitation of each tenant.
    pub keyring: Keyring,
    /// Issuer of tokens.
    pub public_url: String,
    /// Where functions read their settings.
    pub environment: Environment,
    /// Current time: the end of the history.
    pub clock: Clock,
    /// Whether to load the tenants; otherwise only the superadmin exists.
    pub load_tenants: bool,
    /// Maximum of similar steps per tenant and context, such as tickets.
    pub max_tickets: usize,
}

impl Demo {
    /// Ensures that everyone in `demo.json` can sign in, loads missing tenants, and returns the content of the file.
    pub async fn prepare(&self, local_dir: &Path) -> Result<SignIns, Error> {
        let file = local_dir.join(sign_ins::FILE);
        let path = local_dir.join("demo.loading.json");
        let interrupted = Checkpoint::load(&path)?;
        let mut sign_ins = match &interrupted {
            Some(checkpoint) => checkpoint.sign_ins().clone(),
            None => {
                SignIns::read(&file)?.unwrap_or_else(|| SignIns::generate(&self.public_url, &[]))
            }
        };
        sign_ins.base_url.clone_from(&self.public_url);

        let now = interrupted
            .as_ref()
            .map_or_else(|| self.clock.now(), Checkpoint::today);
        let mut existing = Vec::new();
        let mut missing = Vec::new();
        for (script, id) in self.tenants(now).await? {
            let tenant = sign_ins
                .tenants
                .entry(script.slug.clone())
                .or_insert_with(|| Tenant::generate(&script.slug));
            let is_loading = interrupted
                .as_ref()
                .is_some_and(|checkpoint| checkpoint.is_loading(&script.slug));
            match id {
                Some(id) if !is_loading => existing.push((script, id)),
                Some(_) => missing.push(script),
                None => {
                    tenant.clear_ids();
                    missing.push(script);
                }
            }
        }

        let start = missing.iter().map(|script| script.start(&self.clock)).min();
        self.ensure_superadmin(&sign_ins, start).await?;
        if !missing.is_empty() {
            let checkpoint = match interrupted {
                Some(checkpoint) => checkpoint.with_sign_ins(sign_ins)?,
                None => Checkpoint::create(&path, now, sign_ins)?,
            };
            sign_ins = load::load(self, checkpoint, missing).await?;
        }
        for (script, id) in existing {
            reset::ensure_sign_ins(self, &script, id, &mut sign_ins).await?;
        }
        sign_ins.write(&file)?;
        Ok(sign_ins)
    }

    /// Returns the demo tenants, each with its identifier if it exists.
    async fn tenants(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(TenantScript, Option<TenantId>)>, Error> {
        let mut tenants = Vec::new();
        if self.load_tenants {
            let db = self.database.shared_pool()?;
            for script in script::tenants(now, self.max_tickets)? {
                let id = directory::find_tenant_by_slug(&db, &script.slug).await?;
                tenants.push((script, id));
            }
        }
        Ok(tenants)
    }

    /// Ensures that the superadmin can sign in, from `start` on if tenants are loaded.
    async fn ensure_superadmin(
        &self,
        sign_ins: &SignIns,
        start: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let mut client = self.client(start.unwrap_or(self.clock.now()))?;
        let account = sign_ins.superadmin_account();
        if client.can_sign_in(&account).await? {
            return client.sign_out(&account).await;
        }
        let email = Email::parse(&account.email)
            .map_err(|_| "the superadmin has no valid email address")?;
        let db = self.database.pool_of(identity::CONTEXT.name)?;
        let state = client.state();
        identity::bootstrap::superadmin(
            &db,
            state,
            &email,
            "Revalenz",
            "Superadmin",
            &account.password,
        )
        .await?;
        Ok(())
    }

    /// Returns a client with its clock at `now`.
    fn client(&self, now: DateTime<Utc>) -> Result<DemoClient, Error> {
        DemoClient::at(
            now,
            &self.database,
            &self.keyring,
            (&self.public_url, &self.environment),
        )
    }
}
