//! Impersonation (RFC 8693): a read-only, masked view of a user's account for at most one hour. The user is notified.

use access::{
    Assurance, Caller, TenantStatus, audit,
    opaque::random,
    token::{AUDIENCE, ActClaim, Claims, MAX_LIFETIME},
};
use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use events::UnitOfWork;
use http::HeaderMap;
use ids::{EventId, SessionId, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{
    Problem, SingleLine, ValidJson,
    body::Int,
    problem::{self, Result},
};

use super::{User, rules};
use crate::{
    App,
    domain::{authority::can_impersonate, status::UserStatus, tenant_rules},
    error::IMPERSONATION_REFUSED,
    events::SessionImpersonated,
    http::{current_user::CurrentUser, sessions::session::user_agent},
    permissions::UserImpersonate,
    store::{
        roles,
        sessions::{self, NewSession},
        users::{self, UserRow},
    },
};

web::body! {
    /// The account to view, the reason and the duration.
    pub struct Impersonate {
        /// User to impersonate.
        pub user_id: UserId,
        /// Reason. The user and the organisation can see it.
        pub reason: SingleLine<3, 500>,
        /// Duration in minutes: 15 by default, at most 60.
        pub minutes: Option<Int<1, 60>>,
    }
    example { "user_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "reason": "ticket T-1042: no invoices in the list", "minutes": 15 }
}

/// A read-only token for a user's account. It cannot be refreshed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImpersonationAnswer {
    /// Access token for `Authorization: Bearer`. Its `act` claim names the impersonating caller.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Lifetime of the access token in seconds.
    #[schema(example = 900)]
    expires_in: i64,
    /// The session. It ends with `DELETE /users/{id}/sessions/{session_id}`, when the user ends it, or with the caller's own session.
    session_id: SessionId,
    /// The impersonated user, masked like everything that this token can read.
    user: User,
}

/// Impersonate a user
///
/// Returns a read-only token that shows the account of a user with a lower role as that user sees it, with email addresses and phone
/// numbers masked. The token ends with the caller's session, and the user is notified by email. Admins need the setting
/// `impersonation_by_admins`; platform staff do not, but must also send `X-Reason`.
#[utoipa::path(post, path = "/auth/impersonate", responses((status = 200, body = ImpersonationAnswer, description = "A read-only token.")))]
pub(crate) async fn impersonate_user(
    State(app): State<App>,
    caller: Caller<UserImpersonate>,
    headers: HeaderMap,
    body: ValidJson<Impersonate>,
) -> Result<Json<ImpersonationAnswer>> {
    let current = CurrentUser::from_caller(&caller)?;
    let actor_claim = ActClaim {
        sub: current.user,
        tid: current.tenant,
        sid: current.session,
    };
    let minutes = body.value.minutes.map_or(15, Int::get);
    let lifetime = TimeDelta::minutes(minutes.into()).min(MAX_LIFETIME);
    let signer = app.signer().await?;
    let mut unit = UnitOfWork::begin(&app, &caller)
        .await?
        .with_reason(Some(body.value.reason.into_string()));
    let now = unit.now();
    let user = find_impersonable_user(&mut unit, &caller, body.value.user_id).await?;
    let session = insert_session(&mut unit, &caller, &user, &headers, now + lifetime).await?;
    let entry = audit::Entry::new("identity.session.impersonated", "session", session)
        .change("user_id", Value::Null, user.id.to_string())
        .change("minutes", Value::Null, minutes);
    unit.audit(entry).await?;
    // Notifies the user.
    let event = SessionImpersonated {
        user_id: user.id,
        session_id: session,
        minutes,
    };
    unit.publish(1, event).await?;
    unit.commit().await?;
    let claims = Claims {
        iss: app.state.settings().public_url.clone(),
        aud: AUDIENCE.to_owned(),
        sub: user.id,
        tid: caller.tenant.id,
        sid: session,
        role: user.role.clone(),
        aal: Assurance::of(&caller.amr),
        amr: caller.amr.clone(),
        auth_time: now.timestamp(),
        iat: now.timestamp(),
        exp: (now + lifetime).timestamp(),
        jti: EventId::at(now).to_string(),
        act: Some(actor_claim),
    };
    Ok(Json(ImpersonationAnswer {
        access_token: signer.sign(&claims).map_err(Problem::internal)?,
        token_type: "Bearer",
        expires_in: lifetime.num_seconds(),
        session_id: session,
        user: User::from_row(user, false),
    }))
}

/// Finds the user, if the caller may impersonate them.
async fn find_impersonable_user(
    tx: &mut TenantTx,
    caller: &Caller<UserImpersonate>,
    id: UserId,
) -> Result<UserRow> {
    let user = users::find_user(tx, caller.reach(), id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let role = roles::find_role(tx, user.role_id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let allowed =
        caller.is_superadmin() || tenant_rules::allows_impersonation_by_admins(&caller.tenant);
    let below = can_impersonate(rules::role_holder(caller), role.view());
    let living = user.status == UserStatus::Active && caller.tenant.status != TenantStatus::Closed;
    if allowed && below && living && caller.user != Some(id) {
        Ok(user)
    } else {
        Err(IMPERSONATION_REFUSED.problem())
    }
}

/// Opens a separate session that records the acting caller. Its refresh token hash is random, so it cannot be refreshed.
async fn insert_session(
    tx: &mut TenantTx,
    caller: &Caller<UserImpersonate>,
    user: &UserRow,
    headers: &HeaderMap,
    expires_at: DateTime<Utc>,
) -> Result<SessionId> {
    let id = SessionId::at(tx.now());
    let new = NewSession {
        id,
        user: user.id,
        refresh_hash: random(),
        amr: &caller.amr,
        device_name: None,
        user_agent: user_agent(headers),
        address: caller
            .request()
            .address()
            .map(|address| address.to_string()),
        // Not a device of the user.
        device_hash: random(),
        expires_at,
    };
    sessions::insert_session(tx, &new).await?;
    sessions::set_acting_actor(tx, id, caller.actor).await?;
    Ok(id)
}
