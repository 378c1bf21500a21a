//! The demo: two tenants with people and tickets, so that a newcomer has something to look at.
//!
//! It is loaded once, through the API ([`world`]). What decides is the database: a tenant that is there is never loaded
//! again, one that is missing is, with the passwords that `demo.json` already holds. A load that was interrupted goes on
//! at the next start ([`journal`]). Where database and `demo.json` do not know each other, the people get new passwords
//! ([`renewal`]).

mod cast;
mod corpus;
mod journal;
mod load;
mod play;
mod renewal;
#[cfg(test)]
mod tests;
mod timeline;
mod world;

use std::path::Path;

use access::{Keyring, directory};
use chrono::{DateTime, TimeDelta, Utc};
use ids::TenantId;
use web::{Clock, Email};

pub use self::load::quiet;
use self::{
    corpus::TenantPlan,
    journal::Journal,
    world::{Account, World},
};
use crate::{
    Error,
    database::Database,
    functions,
    functions::Objects,
    sign_ins::{SignIns, Tenant},
};

/// How far back the demo begins.
const HISTORY: TimeDelta = TimeDelta::days(25);

/// What the demo is made with.
#[derive(Clone)]
pub struct Demo {
    /// Where the rows go.
    pub database: Database,
    /// Opens the first invitation of each tenant.
    pub keyring: Keyring,
    /// The issuer of tokens.
    pub public_url: String,
    /// Where the bytes of files go.
    pub objects: Objects,
    /// Tells what today is.
    pub clock: Clock,
    /// Whether tenants are wanted, or the superadmin alone.
    pub tenants: bool,
    /// How many tickets a tenant gets at most.
    pub tickets: usize,
}

impl Demo {
    /// Makes sure that everybody in `demo.json` can sign in, loads what is missing, and answers the file's content.
    pub async fn prepare(&self, local_dir: &Path) -> Result<SignIns, Error> {
        let file = local_dir.join("demo.json");
        let path = local_dir.join("demo.loading.json");
        let unfinished = Journal::unfinished(&path)?;
        let mut sign_ins = match &unfinished {
            Some(journal) => journal.sign_ins().clone(),
            None => SignIns::read(&file)?.unwrap_or_else(|| SignIns::fresh(&self.public_url, &[])),
        };
        sign_ins.base_url.clone_from(&self.public_url);

        let mut known = Vec::new();
        let mut wanted = Vec::new();
        for (plan, id) in self.plans().await? {
            let tenant = sign_ins
                .tenants
                .entry(plan.slug.to_owned())
                .or_insert_with(|| Tenant::fresh(plan.slug));
            let begun = unfinished.as_ref().is_some_and(|j| j.is_loading(plan.slug));
            match id {
                Some(id) if !begun => known.push((plan, id)),
                Some(_) => wanted.push(plan),
                None => {
                    tenant.forget();
                    wanted.push(plan);
                }
            }
        }

        self.staff(&sign_ins, !wanted.is_empty()).await?;
        if !wanted.is_empty() {
            let journal = match unfinished {
                Some(journal) => journal.with(sign_ins)?,
                None => Journal::begin(&path, self.clock.now(), sign_ins)?,
            };
            sign_ins = load::load(self, journal, wanted).await?;
        }
        for (plan, id) in known {
            if let Some(tenant) = sign_ins.tenants.get_mut(plan.slug) {
                renewal::renew(self, plan, id, tenant).await?;
            }
        }
        sign_ins.write(&file)?;
        Ok(sign_ins)
    }

    /// The demo tenants, each with its identifier if it is there.
    async fn plans(&self) -> Result<Vec<(TenantPlan, Option<TenantId>)>, Error> {
        let mut plans = Vec::new();
        if self.tenants {
            let db = self.database.of("identity")?;
            for plan in corpus::TENANTS {
                plans.push((plan, directory::tenant_by_slug(&db, plan.slug).await?));
            }
        }
        Ok(plans)
    }

    /// Makes sure that the superadmin can sign in. Where tenants are made in the past, the account is older than they are.
    async fn staff(&self, sign_ins: &SignIns, in_the_past: bool) -> Result<(), Error> {
        let now = self.clock.now();
        let mut world = self.world(if in_the_past { now - HISTORY } else { now })?;
        let staff = staff(sign_ins);
        if world.can_sign_in(&staff).await? {
            return world.sign_out(&staff).await;
        }
        let email =
            Email::parse(&staff.email).map_err(|_| "the superadmin has no sound address")?;
        let db = self.database.of("identity")?;
        let gate = world.gate();
        identity::bootstrap::superadmin(
            &db,
            gate,
            &email,
            "Revalenz",
            "Superadmin",
            &staff.password,
        )
        .await?;
        Ok(())
    }

    /// The routers at another time.
    fn world(&self, now: DateTime<Utc>) -> Result<World, Error> {
        World::at(
            now,
            functions::ALL,
            &self.database,
            &self.keyring,
            (&self.public_url, &self.objects),
        )
    }
}

fn staff(sign_ins: &SignIns) -> Account {
    let staff = &sign_ins.superadmin;
    Account {
        tenant: staff.tenant.clone(),
        email: staff.email.clone(),
        password: staff.password.clone(),
    }
}
