//! Tenants and people to act as.

use ids::{RoleId, SessionId, TenantId, UserId};

/// A tenant with one person a role, two for experts and customers.
#[derive(Clone, Debug)]
pub struct TestTenant {
    /// Its identifier.
    pub id: TenantId,
    /// Its slug.
    pub slug: String,
    /// Everything inside the tenant.
    pub admin: Person,
    /// Tickets and people below.
    pub manager: Person,
    /// Works on tickets.
    pub expert: Person,
    /// Works on tickets too.
    pub expert2: Person,
    /// Has tickets.
    pub customer: Person,
    /// Has other tickets.
    pub customer2: Person,
}

/// Someone who is signed in.
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
    /// Their address.
    pub email: String,
}

impl TestTenant {
    /// Everybody, by the role's key.
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
