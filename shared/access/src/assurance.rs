//! Authentication assurance: how strongly and how recently a person has authenticated.
//!
//! Permissions declare that they need a recent authentication, and [`crate::Caller`] requires it; an operation that needs it for
//! some of its fields only calls [`Principal::require_recent_authentication`]. A refused client uses `POST /auth/reauthenticate`
//! and tries again. The second factor that an organisation requires for a role is checked on every request, in
//! [`crate::Caller`].

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Problem, openapi::OperationDoc};

use crate::{Principal, Tenant, declarations::TextFormat, problems};

crate::tenant_settings! {
    groups {}
    settings {
        MFA_REQUIRED_ROLES: Vec<&str> = "mfa_required_roles", list(TextFormat::RoleName, 0, 50, &[]) {
            de: "Rollen mit Zwei-Faktor-Pflicht", "Die Rollen, für die eine Zwei-Faktor-Authentifizierung erforderlich ist.";
            en: "Roles with required two-factor authentication", "The roles that require two-factor authentication.";
        }
    }
    rules {}
}

/// Maximum age of the last authentication for sensitive operations.
pub const STEP_UP_MAX_AGE: TimeDelta = TimeDelta::minutes(10);

/// Authenticator assurance level (NIST SP 800-63B).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// One factor.
    #[default]
    Aal1,
    /// Two factors.
    Aal2,
}

impl Assurance {
    /// The level of these authentication methods (RFC 8176).
    pub fn of(amr: &[String]) -> Self {
        if amr.iter().any(|member| member == "mfa") {
            Self::Aal2
        } else {
            Self::Aal1
        }
    }
}

/// Whether the tenant requires a second factor for this role.
pub(crate) fn is_factor_required(tenant: &Tenant, role: &str) -> bool {
    MFA_REQUIRED_ROLES.read(tenant).contains(&role)
}

impl Principal {
    /// The assurance level of the session.
    pub fn assurance(&self) -> Assurance {
        Assurance::of(&self.amr)
    }

    /// Rejects a session without the second factor that its person has, one whose last authentication is older than
    /// [`STEP_UP_MAX_AGE`], and API keys: a key that is found in a script must not become more than a key.
    pub fn require_recent_authentication(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        if self.user.is_none() {
            return Err(problems::NOT_A_PERSON.problem());
        }
        if self.second_factor && self.assurance() < Assurance::Aal2 {
            return Err(problems::INSUFFICIENT_AAL.problem());
        }
        match self.authenticated_at {
            Some(at) if now - at < STEP_UP_MAX_AGE => Ok(()),
            _ => Err(problems::REAUTHENTICATION_NEEDED.problem()),
        }
    }

    /// Rejects a session without the second factor that the organisation requires.
    pub fn require_enrolled_factor(&self) -> Result<(), Problem> {
        if !self.second_factor_required || self.user.is_none() {
            Ok(())
        } else if !self.second_factor {
            Err(problems::MFA_ENROLMENT_REQUIRED.problem())
        } else if self.assurance() < Assurance::Aal2 {
            Err(problems::INSUFFICIENT_AAL.problem())
        } else {
            Ok(())
        }
    }
}

/// Problem kinds of every operation that requires an enrolled factor.
pub(crate) fn describe(doc: &mut OperationDoc) {
    doc.refuses(&problems::MFA_ENROLMENT_REQUIRED);
    doc.refuses(&problems::INSUFFICIENT_AAL);
}
