//! Creates a demo tenant and its people through the API.

use std::collections::BTreeMap;

use access::{Keyring, Purpose};
use http::StatusCode;
use ids::{TenantId, UserId};
use serde_json::json;

use super::{
    client::{Account, DemoClient},
    fixtures::{self, Person, TenantPlan},
};
use crate::{
    Error,
    database::Database,
    sign_ins::{PEOPLE, Tenant},
};

/// Seats of a demo tenant: more than any test or trial needs.
const MAX_USERS: i32 = 1_000;

/// Creates what is missing of a tenant. Idempotent.
pub struct TenantSetup<'a> {
    /// The tenant.
    pub plan: TenantPlan,
    /// API client.
    pub client: &'a mut DemoClient,
    /// Database with the first invitation.
    pub database: &'a Database,
    /// Decrypts the invitation.
    pub keyring: &'a Keyring,
}

impl TenantSetup<'_> {
    /// Creates the tenant, its people and its API key, and stores their identifiers in `tenant`.
    pub async fn ensure_tenant(
        mut self,
        staff: &Account,
        tenant: &mut Tenant,
    ) -> Result<(), Error> {
        let people = self.people()?;
        let id = self.create_tenant(staff, &people, tenant).await?;
        tenant.id = Some(id);
        self.accept_admin_invitation(id, tenant).await?;
        let admin = account_of(self.plan.slug, tenant, "admin")?;
        let settings = json!({"ticket_categories": fixtures::CATEGORIES});
        let path = format!("/tenants/{id}/settings");
        self.client.put(&admin, &path, &settings).await?.success()?;
        self.ensure_users(tenant).await?;
        self.set_expertise(&people, tenant).await
    }

    /// Ensures that everyone has an account and that there is an API key; stores the identifiers in `tenant`.
    pub async fn ensure_users(&mut self, tenant: &mut Tenant) -> Result<(), Error> {
        let people = self.people()?;
        let admin = account_of(self.plan.slug, tenant, "admin")?;
        for (person, role) in PEOPLE {
            let account = account_of(self.plan.slug, tenant, person)?;
            let id = self
                .create_user(&admin, &account, find_person(&people, person)?, role)
                .await?;
            if let Some(user) = tenant.users.get_mut(person) {
                user.id = Some(id);
            }
        }
        if tenant.api_key.is_none() {
            tenant.api_key = Some(self.create_api_key(&admin).await?);
        }
        Ok(())
    }

    fn people(&self) -> Result<BTreeMap<String, Person>, Error> {
        Ok(fixtures::people()?
            .remove(self.plan.slug)
            .unwrap_or_default())
    }

    async fn create_tenant(
        &mut self,
        staff: &Account,
        people: &BTreeMap<String, Person>,
        tenant: &Tenant,
    ) -> Result<TenantId, Error> {
        let admin = find_person(people, "admin")?;
        let body = json!({
            "slug": self.plan.slug,
            "name": self.plan.name,
            "email": format!("info@{}.example", self.plan.slug),
            "locale": self.plan.locale,
            "max_users": MAX_USERS,
            "license_type": "internal",
            "admin": {
                "email": account_of(self.plan.slug, tenant, "admin")?.email,
                "given_name": admin.given_name,
                "family_name": admin.family_name,
                "locale": admin.locale,
            },
        });
        let answer = self.client.post(staff, "/tenants", &body).await?;
        if answer.status == StatusCode::CONFLICT {
            return self.find_tenant(staff).await;
        }
        answer.success()?.id()
    }

    async fn find_tenant(&mut self, staff: &Account) -> Result<TenantId, Error> {
        let slug = self.plan.slug;
        let path = format!("/tenants?limit=200&q={slug}");
        let answer = self.client.get(staff, &path).await?.success()?;
        find_id(&answer.body["items"], "slug", slug)
    }

    /// Accepts the invitation of the first admin. The outbox holds its token, encrypted.
    async fn accept_admin_invitation(
        &mut self,
        id: TenantId,
        tenant: &Tenant,
    ) -> Result<(), Error> {
        let admin = account_of(self.plan.slug, tenant, "admin")?;
        if self.client.can_sign_in(&admin).await? {
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
        .ok_or("the outbox has no invitation of the admin")?;
        let token = self
            .keyring
            .open(Purpose::Notifications, id.uuid().as_bytes(), &sealed)?;
        let body = json!({"token": String::from_utf8(token)?, "password": admin.password});
        self.client
            .post_anonymously("/auth/invite/accept", &body)
            .await?
            .success()?;
        Ok(())
    }

    async fn create_user(
        &mut self,
        admin: &Account,
        account: &Account,
        profile: &Person,
        role: &str,
    ) -> Result<UserId, Error> {
        let profile = json!({
            "email": account.email,
            "password": account.password,
            "role": role,
            "given_name": profile.given_name,
            "family_name": profile.family_name,
            "locale": profile.locale,
            "time_zone": profile.time_zone,
        });
        // Already exists: the admin, who was invited, or everyone on a repeated run.
        let answer = self.client.post(admin, "/users", &profile).await?;
        if answer.status == StatusCode::CONFLICT {
            return self.find_user(admin, &account.email).await;
        }
        answer.success()?.id()
    }

    async fn set_expertise(
        &mut self,
        people: &BTreeMap<String, Person>,
        tenant: &Tenant,
    ) -> Result<(), Error> {
        for (person, user) in &tenant.users {
            let expertise = &find_person(people, person)?.expertise;
            if let (Some(id), false) = (user.id, expertise.is_empty()) {
                let account = account_of(self.plan.slug, tenant, person)?;
                let path = format!("/users/{id}/expertise");
                let body = json!({"items": expertise});
                self.client.put(&account, &path, &body).await?.success()?;
            }
        }
        Ok(())
    }

    async fn find_user(&mut self, admin: &Account, email: &str) -> Result<UserId, Error> {
        let path = format!("/users?limit=200&q={email}");
        let answer = self.client.get(admin, &path).await?.success()?;
        find_id(&answer.body["items"], "email", email)
    }

    /// Creates an API key with all permissions that the admin has for the whole tenant.
    async fn create_api_key(&mut self, admin: &Account) -> Result<String, Error> {
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
        let answer = self.client.post(admin, "/api-keys", &body).await?;
        answer.success()?.text("key")
    }
}

/// Returns the account of a person of a tenant.
pub fn account_of(slug: &str, tenant: &Tenant, person: &str) -> Result<Account, Error> {
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

fn find_person<'a>(
    people: &'a BTreeMap<String, Person>,
    person: &str,
) -> Result<&'a Person, Error> {
    people
        .get(person)
        .ok_or_else(|| format!("people.json has no {person}").into())
}

/// Returns the identifier of the item whose `field` equals `wanted`.
fn find_id<T: std::str::FromStr>(
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
        .ok_or_else(|| format!("{wanted} already exists but cannot be found").into())
}
