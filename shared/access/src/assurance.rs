//! How well, and how recently, a person proved who they are.
//!
//! What is sensitive asks [`Principal::require_recent_authentication`]; the client that is refused goes to `POST /auth/reauthenticate`
//! and tries again. What the organisation demands of a role is asked of every request, in [`crate::Caller`].

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use web::{Problem, openapi::OperationDoc};

use crate::{Principal, Tenant, problems};

/// How long a proof is good for sensitive acts.
pub const STEP_UP_MAX_AGE: TimeDelta = TimeDelta::minutes(10);

/// Authenticator assurance level, in the words of NIST SP 800-63B.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// One factor was proved.
    #[default]
    Aal1,
    /// Two were.
    Aal2,
}

impl Assurance {
    /// What these members of `amr` (RFC 8176) amount to.
    pub fn of(amr: &[String]) -> Self {
        if amr.iter().any(|member| member == "mfa") {
            Self::Aal2
        } else {
            Self::Aal1
        }
    }
}

/// Whether the tenant demands a second factor of this role.
pub(crate) fn is_factor_required(tenant: &Tenant, role: &str) -> bool {
    tenant
        .settings
        .get("mfa_required_roles")
        .and_then(Value::as_array)
        .is_some_and(|roles| roles.iter().any(|required| required == role))
}

impl Principal {
    /// How well the session is proved.
    pub fn assurance(&self) -> Assurance {
        Assurance::of(&self.amr)
    }

    /// Refuses a session without the second factor that its person has, and one whose last proof is older than
    /// [`STEP_UP_MAX_AGE`]. A key proves itself with every request.
    pub fn require_recent_authentication(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        if self.user.is_none() {
            return Ok(());
        }
        if self.second_factor && self.assurance() < Assurance::Aal2 {
            return Err(problems::INSUFFICIENT_AAL.problem());
        }
        match self.authenticated_at {
            Some(at) if now - at < STEP_UP_MAX_AGE => Ok(()),
            _ => Err(problems::REAUTHENTICATION_NEEDED.problem()),
        }
    }

    /// Why a session can do nothing but enrol, or prove the factor that its person has.
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

/// What every operation may answer that is not open before enrolment.
pub(crate) fn describe(doc: &mut OperationDoc) {
    doc.refuses(&problems::MFA_ENROLMENT_REQUIRED);
    doc.refuses(&problems::INSUFFICIENT_AAL);
}
