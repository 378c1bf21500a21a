//! A demo tenant and its people, made the way any customer's are.

use std::collections::BTreeMap;

use access::{Keyring, Purpose};
use http::StatusCode;
use ids::{TenantId, UserId};
use serde_json::json;

use super::{
    corpus::{self, Person, TenantPlan},
    world::{Account, World},
};
use crate::{
    Error,
    database::Database,
    sign_ins::{PEOPLE, Tenant},
};

/// Seats of a demo tenant: no walk through the API runs out of them.
const SEATS: i32 = 1_000;

/// Makes whatever is missing of a tenant; may be called again.
pub struct Cast<'a> {
    /// Which tenant.
    pub plan: TenantPlan,
    /// Where it is made.
    pub world: &'a mut World,
    /// Where the first invitation lies.
    pub database: &'a Database,
    /// Opens the invitation.
    pub keyring: &'a Keyring,
}

impl Cast<'_> {
    /// Makes the tenant, its people and its key; notes what becomes known.
    pub async fn assemble(mut self, staff: &Account, tenant: &mut Tenant) -> Result<(), Error> {
        let people = self.people()?;
        let id = self.found(staff, &people, tenant).await?;
        tenant.id = Some(id);
        self.welcome_admin(id, tenant).await?;
        let admin = account(self.plan.slug, tenant, "admin")?;
        let settings = json!({"ticket_categories": corpus::CATEGORIES});
        let path = format!("/tenants/{id}/settings");
        self.world.put(&admin, &path, &settings).await?.success()?;
        self.introduce(tenant).await?;
        self.teach(&people, tenant).await
    }

    /// Makes sure that everybody has an account, and scripts a key; their identifiers go into `tenant`.
    pub async fn introduce(&mut self, tenant: &mut Tenant) -> Result<(), Error> {
        let people = self.people()?;
        let admin = account(self.plan.slug, tenant, "admin")?;
        for (person, role) in PEOPLE {
            let own = account(self.plan.slug, tenant, person)?;
            let id = self
                .hire(&admin, &own, part(&people, person)?, role)
                .await?;
            if let Some(user) = tenant.users.get_mut(person) {
                user.id = Some(id);
            }
        }
        if tenant.api_key.is_none() {
            tenant.api_key = Some(self.make_key(&admin).await?);
        }
        Ok(())
    }

    fn people(&self) -> Result<BTreeMap<String, Person>, Error> {
        Ok(corpus::people()?.remove(self.plan.slug).unwrap_or_default())
    }

    async fn found(
        &mut self,
        staff: &Account,
        people: &BTreeMap<String, Person>,
        tenant: &Tenant,
    ) -> Result<TenantId, Error> {
        let admin = part(people, "admin")?;
        let body = json!({
            "slug": self.plan.slug,
            "name": self.plan.name,
            "email": format!("info@{}.example", self.plan.slug),
            "locale": self.plan.locale,
            "max_users": SEATS,
            "license_type": "internal",
            "admin": {
                "email": account(self.plan.slug, tenant, "admin")?.email,
                "given_name": admin.given_name,
                "family_name": admin.family_name,
                "locale": admin.locale,
            },
        });
        let answer = self.world.post(staff, "/tenants", &body).await?;
        if answer.status == StatusCode::CONFLICT {
            return self.known_tenant(staff).await;
        }
        answer.success()?.id()
    }

    async fn known_tenant(&mut self, staff: &Account) -> Result<TenantId, Error> {
        let slug = self.plan.slug;
        let path = format!("/tenants?limit=200&q={slug}");
        let answer = self.world.get(staff, &path).await?.success()?;
        find(&answer.body["items"], "slug", slug)
    }

    /// The first admin comes by invitation. Its link is on its way to the mail in the outbox, sealed.
    async fn welcome_admin(&mut self, id: TenantId, tenant: &Tenant) -> Result<(), Error> {
        let admin = account(self.plan.slug, tenant, "admin")?;
        if self.world.can_sign_in(&admin).await? {
            return Ok(());
        }
        let mut connection = self.database.administrator().await?;
        let sealed: Vec<u8> = sqlx::query_scalar(
            "select sealed
            from events.outbox
            where tenant_id = $1
                and type = 'de.revalenz.identity.user.invited.v1'
                and sealed is not null
            order by occurred_at
            limit 1",
        )
        .bind(id)
        .fetch_optional(&mut connection)
        .await?
        .ok_or("the admin's invitation is not in the outbox")?;
        let token = self
            .keyring
            .open(Purpose::Notifications, id.uuid().as_bytes(), &sealed)?;
        let body = json!({"token": String::from_utf8(token)?, "password": admin.password});
        self.world
            .ask("/auth/invite/accept", &body)
            .await?
            .success()?;
        Ok(())
    }

    async fn hire(
        &mut self,
        admin: &Account,
        own: &Account,
        who: &Person,
        role: &str,
    ) -> Result<UserId, Error> {
        let profile = json!({
            "email": own.email,
            "password": own.password,
            "role": role,
            "given_name": who.given_name,
            "family_name": who.family_name,
            "locale": who.locale,
            "time_zone": who.time_zone,
        });
        // Taken: the admin, who came by invitation, or everybody, when this is done again.
        let answer = self.world.post(admin, "/users", &profile).await?;
        if answer.status == StatusCode::CONFLICT {
            return self.known_user(admin, &own.email).await;
        }
        answer.success()?.id()
    }

    async fn teach(
        &mut self,
        people: &BTreeMap<String, Person>,
        tenant: &Tenant,
    ) -> Result<(), Error> {
        for (person, user) in &tenant.users {
            let expertise = &part(people, person)?.expertise;
            if let (Some(id), false) = (user.id, expertise.is_empty()) {
                let own = account(self.plan.slug, tenant, person)?;
                let path = format!("/users/{id}/expertise");
                let body = json!({"items": expertise});
                self.world.put(&own, &path, &body).await?.success()?;
            }
        }
        Ok(())
    }

    async fn known_user(&mut self, admin: &Account, email: &str) -> Result<UserId, Error> {
        let path = format!("/users?limit=200&q={email}");
        let answer = self.world.get(admin, &path).await?.success()?;
        find(&answer.body["items"], "email", email)
    }

    /// A key with everything that its maker may do for the whole tenant.
    async fn make_key(&mut self, admin: &Account) -> Result<String, Error> {
        let mut connection = self.database.administrator().await?;
        let scopes: Vec<String> = sqlx::query_scalar(
            "select permission
            from access.builtin_grants
            where base_role = 'admin'
                and reach = 'all'
            order by permission",
        )
        .fetch_all(&mut connection)
        .await?;
        let body = json!({"name": "Tabellen und Skripte", "scopes": scopes});
        let answer = self.world.post(admin, "/api-keys", &body).await?;
        answer.success()?.text("key")
    }
}

/// The account of someone in a tenant.
pub fn account(slug: &str, tenant: &Tenant, person: &str) -> Result<Account, Error> {
    let user = tenant
        .users
        .get(person)
        .ok_or_else(|| format!("demo.json has no {person} of {slug}"))?;
    Ok(Account {
        tenant: slug.to_owned(),
        email: user.email.clone(),
        password: user.password.clone(),
    })
}

fn part<'a>(people: &'a BTreeMap<String, Person>, person: &str) -> Result<&'a Person, Error> {
    people
        .get(person)
        .ok_or_else(|| format!("people.json has no {person}").into())
}

/// The identifier of the item whose `field` says `wanted`.
fn find<T: std::str::FromStr>(
    items: &serde_json::Value,
    field: &str,
    wanted: &str,
) -> Result<T, Error> {
    items
        .as_array()
        .into_iter()
        .flatten()
        .find(|item| item[field] == wanted)
        .and_then(|item| item["id"].as_str()?.parse().ok())
        .ok_or_else(|| format!("{wanted} is taken and can't be found").into())
}
