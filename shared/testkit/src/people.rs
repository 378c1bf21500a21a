//! Tenants and people in tests.

use ids::{RoleId, SessionId, TenantId, UserId};

/// A tenant with one person per role, and two experts and customers.
#[derive(Clone, Debug)]
pub struct TestTenant {
    /// Its identifier.
    pub id: TenantId,
    /// Its slug.
    pub slug: String,
    /// May do everything within the tenant.
    pub admin: Person,
    /// Manages tickets and people with lower roles.
    pub manager: Person,
    /// Works on tickets.
    pub expert: Person,
    /// Another expert.
    pub expert2: Person,
    /// Creates tickets.
    pub customer: Person,
    /// Another customer.
    pub customer2: Person,
}

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user.
    pub id: UserId,
    /// Their tenant.
    pub tenant: TenantId,
    /// Their session.
    pub session: SessionId,
    /// Their role.
    pub role_id: RoleId,
    /// Its name.
    pub role: String,
    /// Their email address.
    pub email: String,
}

impl TestTenant {
    /// All people, by the names of the fields.
    pub fn people(&self) -> [(&'static str, &Person); 6] {
        [
            ("admin", &self.admin),
            ("manager", &self.manager),
            ("expert", &self.expert),
            ("expert2", &self.expert2),
            ("customer", &self.customer),
            ("customer2", &self.customer2),
        ]
    }
}
