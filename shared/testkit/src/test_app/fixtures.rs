//! Tenants, people and API keys.

use access::REVALENZ;
use ids::{ApiKeyId, TenantId};

use super::{
    TestApp,
    rows::{insert_person, insert_tenant},
};
use crate::{Client, Person, TestTenant};

impl TestApp {
    /// Creates a tenant with people of all roles, all signed in.
    pub async fn tenant(&self, slug: &str) -> TestTenant {
        let now = self.clock.now();
        let id = TenantId::at(now);
        let mut admin = self.admin().await;
        insert_tenant(&mut admin, id, slug, &self.features, now).await;
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

    /// Adds a person to a tenant.
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

    /// Creates a member of the platform staff.
    pub async fn superadmin(&self) -> Person {
        let email = format!(
            "staff-{}@revalenz.example",
            uuid::Uuid::from_bytes(access::opaque::random()).simple()
        );
        self.person(REVALENZ, "superadmin", &email).await
    }

    /// A client with an API key of the tenant.
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
        self.anonymous().with("x-api-key", &key.to_text())
    }
}
