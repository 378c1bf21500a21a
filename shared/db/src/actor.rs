//! Actors, recorded with every change without a foreign key, so that history outlives people.

use ids::{ApiKeyId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

web::text_enum! {
    /// The kinds of actors.
    pub enum ActorKind {
        /// A person of the tenant.
        User = "user",
        /// An API key of the tenant.
        ApiKey = "api_key",
        /// Platform staff acting in a customer's tenant.
        Superadmin = "superadmin",
        /// The platform itself: a job, a migration.
        System = "system",
        /// Someone without an account, such as the sender of an email.
        External = "external",
    }
}

/// An actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    /// The kind.
    pub kind: ActorKind,
    /// The identifier, if it has one.
    pub id: Option<Uuid>,
}

impl Actor {
    /// The platform itself.
    pub const SYSTEM: Self = Self {
        kind: ActorKind::System,
        id: None,
    };

    /// Someone without an account, such as a person who registers.
    pub const EXTERNAL: Self = Self {
        kind: ActorKind::External,
        id: None,
    };

    /// A person of the tenant.
    pub fn user(id: UserId) -> Self {
        Self {
            kind: ActorKind::User,
            id: Some(id.uuid()),
        }
    }

    /// Platform staff in a customer's tenant.
    pub fn superadmin(id: UserId) -> Self {
        Self {
            kind: ActorKind::Superadmin,
            id: Some(id.uuid()),
        }
    }

    /// An API key of the tenant.
    pub fn api_key(id: ApiKeyId) -> Self {
        Self {
            kind: ActorKind::ApiKey,
            id: Some(id.uuid()),
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.id {
            Some(id) => write!(f, "{}:{id}", self.kind),
            None => f.write_str(self.kind.as_str()),
        }
    }
}
