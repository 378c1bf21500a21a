//! One's own identities at other issuers.

use access::{Anyone, Caller, audit};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use db::{Actor, TenantTx};
use http::{StatusCode, header};
use ids::{OauthIdentityId, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{
    Page, PathIds, ValidJson,
    problem::{self, Result},
};

use super::{GivenCode, linked_entry, parse_code};
use crate::{
    App,
    error::{IDENTITY_TAKEN, INVALID_SIGN_IN_CODE, LAST_WAY_IN, NOT_A_PERSON, unauthorized},
    http::sessions::logout::home,
    store::{
        oauth_flows::{self, IssuedIdentity},
        oauth_identities::{self, IdentityRow},
        users,
    },
};

/// An identity that is linked to the account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityView {
    id: OauthIdentityId,
    /// The provider's name.
    #[schema(example = "google")]
    provider: String,
    /// The address there when the identity was linked.
    #[schema(example = "ada@example.org")]
    email: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<IdentityRow> for IdentityView {
    fn from(row: IdentityRow) -> Self {
        Self {
            id: row.id,
            provider: row.provider,
            email: row.email,
            created_at: row.created_at,
        }
    }
}

web::body! {
    /// The code with which the browser came back from linking.
    pub struct CreateIdentity {
        /// It works once, for a minute, for the person who began.
        pub code: GivenCode,
    }
}

async fn begin(app: &App, caller: &Caller<Anyone>) -> Result<(UserId, TenantTx)> {
    let user = caller.user.ok_or(&NOT_A_PERSON)?;
    let tx = app.db.begin(home(caller), Actor::user(user)).await?;
    Ok((user, tx))
}

/// List one's own identities at other issuers.
#[utoipa::path(get, path = "/auth/identities", responses((status = 200, body = Page<IdentityView>, description = "All of them, the oldest first, on one page.")))]
pub(crate) async fn list_identities(
    State(app): State<App>,
    caller: Caller<Anyone>,
) -> Result<Json<Page<IdentityView>>> {
    let (user, mut tx) = begin(&app, &caller).await?;
    let rows = oauth_identities::list_identities(&mut tx, user).await?;
    tx.commit().await?;
    Ok(Json(Page {
        items: rows.into_iter().map(IdentityView::from).collect(),
        next_cursor: None,
        total: None,
    }))
}

/// Link an identity: the end of what `POST /auth/oauth/{provider}/link` began.
#[utoipa::path(post, path = "/auth/identities", responses((status = 201, body = IdentityView, description = "Linked.", headers(
    ("Location" = String, description = "Where the identity is."),
))))]
pub(crate) async fn create_identity(
    State(app): State<App>,
    caller: Caller<Anyone>,
    body: ValidJson<CreateIdentity>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let invalid = || unauthorized(&INVALID_SIGN_IN_CODE);
    // One more way to sign in.
    caller.require_recent_authentication(now)?;
    let code = parse_code(&body.value.code)?;
    let (user, mut tx) = begin(&app, &caller).await?;
    if code.tenant != tx.tenant() {
        return Err(invalid());
    }
    let pending = oauth_flows::redeem_link(&mut tx, &code, user, now)
        .await?
        .ok_or_else(invalid)?;
    let (issuer, subject) = pending.issuer.zip(pending.subject).ok_or_else(invalid)?;
    let subject = IssuedIdentity {
        issuer: &issuer,
        subject: &subject,
        email: pending.email.as_deref(),
    };
    let id = OauthIdentityId::at(now);
    if !oauth_identities::insert_identity(&mut tx, id, user, &pending.provider, &subject, now)
        .await?
    {
        return Err(IDENTITY_TAKEN.problem());
    }
    let entry = linked_entry(id, &pending.provider);
    audit::record(
        &mut tx,
        caller.request(),
        now,
        caller.reason.as_deref(),
        entry,
    )
    .await?;
    tx.commit().await?;
    let location = format!("/api/v1/auth/identities/{id}");
    let view = IdentityView {
        id,
        provider: pending.provider,
        email: pending.email,
        created_at: now,
    };
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(view),
    )
        .into_response())
}

/// Unlink an identity. The last way in stays.
#[utoipa::path(delete, path = "/auth/identities/{id}", responses((status = 204, description = "Unlinked.")))]
pub(crate) async fn delete_identity(
    State(app): State<App>,
    caller: Caller<Anyone>,
    PathIds(id): PathIds<OauthIdentityId>,
) -> Result<StatusCode> {
    let now = app.state.clock().now();
    let (user, mut tx) = begin(&app, &caller).await?;
    // Two who unlink the last two at once come one after the other.
    users::lock_user(&mut tx, access::Reach::Own(user), user).await?;
    let all = oauth_identities::list_identities(&mut tx, user).await?;
    let identity = all
        .iter()
        .find(|identity| identity.id == id)
        .ok_or(&problem::NOT_FOUND)?;
    if all.len() == 1 && !oauth_identities::has_password(&mut tx, user).await? {
        return Err(LAST_WAY_IN.problem());
    }
    oauth_identities::delete_identity(&mut tx, user, id).await?;
    let entry = audit::Entry::new("identity.oauth_identity.unlinked", "oauth_identity", id).change(
        "provider",
        identity.provider.as_str(),
        Value::Null,
    );
    audit::record(
        &mut tx,
        caller.request(),
        now,
        caller.reason.as_deref(),
        entry,
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
