//! The demo: two tenants with people and tickets.
//!
//! It is loaded once, through the API ([`client`]). A tenant that exists in the database is never loaded again; a missing one is
//! loaded with the passwords in `demo.json`. An interrupted load continues at the next start ([`checkpoint`]). When `demo.json`
//! does not match the database, the people get new passwords ([`reset`]).

mod checkpoint;
mod client;
mod fixtures;
mod load;
mod reset;
mod scenario;
#[cfg(test)]
mod tests;
mod timeline;
mod users;

use std::path::Path;

use access::{Keyring, directory};
use chrono::{DateTime, TimeDelta, Utc};
use events::Environment;
use ids::TenantId;
use web::{Clock, Email};

pub use self::load::errors_only;
use self::{
    checkpoint::Checkpoint,
    client::{Account, DemoClient},
    fixtures::TenantPlan,
};
use crate::{
    Error,
    database::Database,
    sign_ins::{SignIns, Tenant},
};

/// Length of the history of the demo.
const HISTORY: TimeDelta = TimeDelta::days(25);

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
    /// Maximum tickets per tenant.
    pub max_tickets: usize,
}

impl Demo {
    /// Ensures that everyone in `demo.json` can sign in, loads missing tenants, and returns the content of the file.
    pub async fn prepare(&self, local_dir: &Path) -> Result<SignIns, Error> {
        let file = local_dir.join("demo.json");
        let path = local_dir.join("demo.loading.json");
        let interrupted = Checkpoint::load(&path)?;
        let mut sign_ins = match &interrupted {
            Some(checkpoint) => checkpoint.sign_ins().clone(),
            None => {
                SignIns::read(&file)?.unwrap_or_else(|| SignIns::generate(&self.public_url, &[]))
            }
        };
        sign_ins.base_url.clone_from(&self.public_url);

        let mut existing = Vec::new();
        let mut missing = Vec::new();
        for (plan, id) in self.plans().await? {
            let tenant = sign_ins
                .tenants
                .entry(plan.slug.to_owned())
                .or_insert_with(|| Tenant::generate(plan.slug));
            let is_loading = interrupted
                .as_ref()
                .is_some_and(|j| j.is_loading(plan.slug));
            match id {
                Some(id) if !is_loading => existing.push((plan, id)),
                Some(_) => missing.push(plan),
                None => {
                    tenant.clear_ids();
                    missing.push(plan);
                }
            }
        }

        self.ensure_superadmin(&sign_ins, !missing.is_empty())
            .await?;
        if !missing.is_empty() {
            let checkpoint = match interrupted {
                Some(checkpoint) => checkpoint.with_sign_ins(sign_ins)?,
                None => Checkpoint::create(&path, self.clock.now(), sign_ins)?,
            };
            sign_ins = load::load(self, checkpoint, missing).await?;
        }
        for (plan, id) in existing {
            if let Some(tenant) = sign_ins.tenants.get_mut(plan.slug) {
                reset::ensure_sign_ins(self, plan, id, tenant).await?;
            }
        }
        sign_ins.write(&file)?;
        Ok(sign_ins)
    }

    /// Returns the demo tenants, each with its identifier if it exists.
    async fn plans(&self) -> Result<Vec<(TenantPlan, Option<TenantId>)>, Error> {
        let mut plans = Vec::new();
        if self.load_tenants {
            let db = self.database.pool_of("identity")?;
            for plan in fixtures::TENANTS {
                plans.push((plan, directory::find_tenant_by_slug(&db, plan.slug).await?));
            }
        }
        Ok(plans)
    }

    /// Ensures that the superadmin can sign in. When tenants are loaded, the account is created at the start of the history.
    async fn ensure_superadmin(&self, sign_ins: &SignIns, in_the_past: bool) -> Result<(), Error> {
        let now = self.clock.now();
        let mut client = self.client(if in_the_past { now - HISTORY } else { now })?;
        let account = superadmin_account(sign_ins);
        if client.can_sign_in(&account).await? {
            return client.sign_out(&account).await;
        }
        let email = Email::parse(&account.email)
            .map_err(|_| "the superadmin has no valid email address")?;
        let db = self.database.pool_of("identity")?;
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

fn superadmin_account(sign_ins: &SignIns) -> Account {
    let staff = &sign_ins.superadmin;
    Account {
        tenant: staff.tenant.clone(),
        email: staff.email.clone(),
        password: staff.password.clone(),
    }
}
