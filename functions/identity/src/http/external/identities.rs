//! The signed-in user's identities at OpenID Connect providers.

use crate::ids::OauthIdentityId;
use access::list::{ListQuery, Listed};
use access::{Anyone, Caller, Reach, Recent, audit};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{
    Page, PathIds, ValidJson,
    problem::{self, Result},
};

use super::{CodeInput, parse_code, record_link};
use crate::{
    App,
    error::{IDENTITY_TAKEN, INVALID_SIGN_IN_CODE, LAST_WAY_IN, unauthorized},
    events::IdentityUnlinked,
    http::{current_user::CurrentUser, factors::second_factor::touch_user},
    store::{
        oauth_flows::{self, IssuedIdentity},
        oauth_identities::{self, IdentityRow},
        users,
    },
};

/// An identity at a provider that is linked to the account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityView {
    /// Identifier of the linked identity.
    id: OauthIdentityId,
    /// Name of the provider.
    #[schema(example = "google")]
    provider: String,
    /// Email address at the provider when the identity was linked; null if unknown.
    #[schema(example = "ada@example.org")]
    email: Option<String>,
    /// When the identity was linked.
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
    /// The code that was returned after linking.
    pub struct CreateIdentity {
        /// Code from the redirect. It is valid for one minute, once, for the user who began linking.
        pub code: CodeInput,
    }
}

web::query! {
    /// No filters.
    pub(crate) struct ListIdentities {}
}

/// List your linked identities
///
/// Returns the accounts at OpenID Connect providers with which the user can sign in.
#[utoipa::path(get, path = "/auth/identities", responses((status = 200, body = Page<IdentityView>, description = "All identities, oldest first, on one page.")))]
pub(crate) async fn list_identities(
    State(app): State<App>,
    caller: Caller<Anyone>,
    query: ListQuery<ListIdentities>,
) -> Result<Listed<IdentityView>> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut tx = me.begin_read_only(&app).await?;
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut tx,
            (
                &oauth_identities::IDENTITIES,
                oauth_identities::OLDEST_FIRST,
            ),
            |sql| {
                sql.push(" and i.user_id = ").push_bind(me.user);
            },
            |_| {},
        )
        .await?;
    tx.commit().await?;
    Ok(listed.map(|row: IdentityRow| IdentityView::from(row)))
}

/// Link an identity
///
/// Completes what `POST /auth/oauth/{provider}/link` began. Requires authentication within the last 10 minutes
/// (`POST /auth/reauthenticate`).
#[utoipa::path(post, path = "/auth/identities", responses((status = 201, body = IdentityView, description = "The linked identity.", headers(
    ("Location" = String, description = "URL of the identity."),
))))]
pub(crate) async fn create_identity(
    State(app): State<App>,
    caller: Caller<Recent<Anyone>>,
    body: ValidJson<CreateIdentity>,
) -> Result<Response> {
    let invalid = || unauthorized(&INVALID_SIGN_IN_CODE);
    let code = parse_code(&body.value.code)?;
    let me = CurrentUser::from_caller(&caller)?;
    if code.tenant != me.tenant {
        return Err(invalid());
    }
    let mut unit = me.begin(&app, &caller).await?;
    let now = unit.now();
    let pending = oauth_flows::redeem_link(&mut unit, &code, me.user)
        .await?
        .ok_or_else(invalid)?;
    let (issuer, subject) = pending.issuer.zip(pending.subject).ok_or_else(invalid)?;
    let subject = IssuedIdentity {
        issuer: &issuer,
        subject: &subject,
        email: pending.email.as_deref(),
    };
    let (id, provider) = (OauthIdentityId::at(now), &pending.provider);
    if !oauth_identities::insert_identity(&mut unit, id, me.user, provider, &subject).await? {
        return Err(IDENTITY_TAKEN.problem());
    }
    record_link(&mut unit, me.user, id, provider).await?;
    unit.commit().await?;
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

/// Unlink an identity
///
/// The provider can no longer be used to sign in to the account, and is not linked again by the email address alone. The last way to
/// sign in cannot be removed. Requires authentication within the last 10 minutes.
#[utoipa::path(delete, path = "/auth/identities/{id}", responses((status = 204, description = "The identity has been unlinked.")))]
pub(crate) async fn delete_identity(
    State(app): State<App>,
    caller: Caller<Recent<Anyone>>,
    PathIds(id): PathIds<OauthIdentityId>,
) -> Result<StatusCode> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut unit = me.begin(&app, &caller).await?;
    // Serialises concurrent requests, so that the last identity stays.
    users::lock_user(&mut unit, Reach::Own(me.user), me.user).await?;
    let all = oauth_identities::list_identities(&mut unit, me.user).await?;
    let identity = all
        .iter()
        .find(|identity| identity.id == id)
        .ok_or(&problem::NOT_FOUND)?;
    if all.len() == 1 && !oauth_identities::has_password(&mut unit, me.user).await? {
        return Err(LAST_WAY_IN.problem());
    }
    oauth_identities::unlink_identity(&mut unit, me.user, id).await?;
    let version = touch_user(&mut unit, me.user).await?;
    let event = IdentityUnlinked {
        user_id: me.user,
        provider: identity.provider.clone(),
    };
    unit.publish(version, event).await?;
    let entry = audit::Entry::new("identity.oauth_identity.unlinked", "oauth_identity", id).change(
        "provider",
        identity.provider.as_str(),
        Value::Null,
    );
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
