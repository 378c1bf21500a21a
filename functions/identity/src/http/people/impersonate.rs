//! Looking at somebody's account as that person sees it (RFC 8693): read-only, masked, for an hour at the most, and told.

use access::{
    Assurance, Caller, TenantStatus, audit,
    opaque::random,
    token::{AUDIENCE, ActClaim, Claims, LONGEST_LIFETIME},
};
use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use events::Announcement;
use http::HeaderMap;
use ids::{EventId, SessionId, UserId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{
    SingleLine, Problem, ValidJson,
    body::Int,
    problem::{self, Result},
};

use super::{User, rules};
use crate::{
    App,
    domain::{authority::may_look_as, status::UserStatus, tenant_rules},
    error::{IMPERSONATION_REFUSED, NOT_A_PERSON},
    events::SESSION_IMPERSONATED,
    http::sessions::{logout::home, session::user_agent},
    permissions::UserImpersonate,
    store::{
        roles,
        sessions::{self, NewSession},
        users::{self, UserRow},
    },
};

web::body! {
    /// Whose account, why, and for how long.
    pub struct Impersonate {
        /// The person whose account it is.
        pub user_id: UserId,
        /// Why; the person and the organisation can read it.
        pub reason: SingleLine<3, 500>,
        /// For how long: 15 minutes unless said otherwise, 60 at the most.
        pub minutes: Option<Int<1, 60>>,
    }
    example { "user_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "reason": "ticket T-1042: no invoices in the list", "minutes": 15 }
}

/// A token for looking at somebody's account. It can't be renewed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImpersonationAnswer {
    /// For `Authorization: Bearer`. Says in `act` who really looks.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds for which it is good.
    #[schema(example = 900)]
    expires_in: i64,
    /// The session; ends with `DELETE /users/{id}/sessions/{session_id}`, by the person, or with one's own session.
    session_id: SessionId,
    /// Whose account it is; masked, as everything is that this token shows.
    user: User,
}

/// Look at the account of a person below oneself, as that person sees it.
///
/// The token reads only, sees addresses and numbers masked, and dies with one's own session. The person is written a mail. Admins
/// may where the setting `impersonation_by_admins` says so; the platform's own staff may always, and says why in `X-Reason` too.
#[utoipa::path(post, path = "/auth/impersonate", responses((status = 200, body = ImpersonationAnswer, description = "A token for looking.")))]
pub(crate) async fn impersonate_user(
    State(app): State<App>,
    caller: Caller<UserImpersonate>,
    headers: HeaderMap,
    body: ValidJson<Impersonate>,
) -> Result<Json<ImpersonationAnswer>> {
    let now = app.state.clock().now();
    let (me, own_session) = caller.user.zip(caller.session).ok_or(&NOT_A_PERSON)?;
    let looker = ActClaim {
        sub: me,
        tid: home(&caller),
        sid: own_session,
    };
    let minutes = body.value.minutes.map_or(15, Int::get);
    let lifetime = TimeDelta::minutes(minutes.into()).min(LONGEST_LIFETIME);
    caller.require_recent_authentication(now)?;
    let signer = app.signer().await?;
    let mut tx = caller.begin(&app.db).await?;
    let user = find_below(&mut tx, &caller, body.value.user_id).await?;
    let session = open(&mut tx, &caller, &user, &headers, (now, now + lifetime)).await?;
    let told = (session, minutes, body.value.reason.as_str());
    tell(&mut tx, &caller, &user, told, now).await?;
    tx.commit().await?;
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
        act: Some(looker),
    };
    Ok(Json(ImpersonationAnswer {
        access_token: signer.sign(&claims).map_err(Problem::internal)?,
        token_type: "Bearer",
        expires_in: lifetime.num_seconds(),
        session_id: session,
        user: User::shown(user, false),
    }))
}

/// The person, if the caller may look at their account.
async fn find_below(
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
    let allowed = caller.is_superadmin() || tenant_rules::lets_admins_look(&caller.tenant);
    let below = may_look_as(rules::holder(caller), role.view());
    let living = user.status == UserStatus::Active && caller.tenant.status != TenantStatus::Closed;
    if allowed && below && living && caller.user != Some(id) {
        Ok(user)
    } else {
        Err(IMPERSONATION_REFUSED.problem())
    }
}

/// A session of its own that says who acts. Nobody knows a refresh token that would have this hash.
async fn open(
    tx: &mut TenantTx,
    caller: &Caller<UserImpersonate>,
    user: &UserRow,
    headers: &HeaderMap,
    (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<SessionId> {
    let id = SessionId::at(now);
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
        // No device of the person.
        device_hash: random(),
        expires_at,
    };
    sessions::insert_session(tx, &new, now).await?;
    sessions::mark_acting(tx, id, caller.actor).await?;
    Ok(id)
}

/// The log and the person hear of it.
async fn tell(
    tx: &mut TenantTx,
    caller: &Caller<UserImpersonate>,
    user: &UserRow,
    (session, minutes, reason): (SessionId, i32, &str),
    now: DateTime<Utc>,
) -> Result<()> {
    let request = caller.request();
    let entry = audit::Entry::new("identity.session.impersonated", "session", session)
        .change("user_id", Value::Null, user.id.to_string())
        .change("minutes", Value::Null, minutes);
    audit::record(tx, request, now, Some(reason), entry).await?;
    let announcement = Announcement {
        kind: &SESSION_IMPERSONATED,
        subject: format!("sessions/{session}"),
        version: 1,
        data: json!({"user_id": user.id, "session_id": session, "minutes": minutes}),
        sealed: None,
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}
