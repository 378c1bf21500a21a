//! Accepts an invitation.

use access::{audit, opaque::Opaque};
use axum::{extract::State, response::Response};
use db::Actor;
use http::HeaderMap;
use ids::OneTimeToken;
use web::{Problem, RequestInfo, SingleLine, ValidJson, problem::Result};

use super::one_time_link::{self, TokenInput};
use crate::{
    App,
    domain::{
        password::{self, NewPassword, Owner},
        status::UserStatus,
        tenant_rules,
    },
    error::{INVALID_TOKEN, unauthorized},
    events::UserActivated,
    http::{
        sessions::{cookie::RefreshMode, session::Device},
        sign_in::{
            client::Client,
            first_factor::{AuthMethod, SignInAnswer},
            flow::{Authentication, SignIn},
        },
        tenant::{check_writable, find_open_tenant},
    },
    store::{
        accounts,
        one_time_tokens::{self, TokenPurpose},
    },
};

web::body! {
    /// The token of an invitation, and the password that its owner chooses.
    pub struct AcceptInvite {
        /// Token from the link. It can be used once.
        pub token: TokenInput,
        /// The new password.
        pub password: NewPassword,
        /// How the refresh token is returned: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// Name of this device, as shown in the list of sessions.
        pub device_name: Option<SingleLine<1, 100>>,
    }
}

fn invalid() -> Problem {
    unauthorized(&INVALID_TOKEN)
}

/// Accept an invitation
///
/// Sets the password, activates the account and signs the user in. If the password is rejected, the invitation stays valid.
#[utoipa::path(
    post,
    path = "/auth/invite/accept",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = SignInAnswer, description = "The account is active; tokens, or the second factor that is required next."))
)]
pub(crate) async fn accept_invite(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<AcceptInvite>,
) -> Result<Response> {
    let AcceptInvite {
        token,
        password,
        refresh,
        device_name,
    } = body.value;
    let device = Device::new(refresh, device_name);
    let client = Client::new(&app, &request, &headers, device);
    let token = one_time_link::parse_token(&token)?;
    let tenant = find_open_tenant(&app, token.tenant)
        .await?
        .ok_or_else(invalid)?;
    client.check_page(Some(tenant.id)).await?;
    let invited = one_time_link::find_owner(&app, &token, TokenPurpose::Invite).await?;
    check_writable(&tenant)?;
    if invited.status != UserStatus::Invited {
        return Err(invalid());
    }
    let owner = Owner {
        email: &invited.email,
        given_name: &invited.given_name,
        family_name: &invited.family_name,
    };
    let min_length = tenant_rules::min_password_length(&tenant);
    password::check(&password, owner, min_length)
        .map_err(|code| Problem::field("/password", code))?;
    let password_hash = app.hasher.hash(password.expose()).await?;
    let sign_in = client.sign_in_to(tenant).await?;
    activate_and_sign_in(&sign_in, &token, &password_hash).await
}

async fn activate_and_sign_in(
    sign_in: &SignIn<'_>,
    token: &Opaque<OneTimeToken>,
    password_hash: &str,
) -> Result<Response> {
    let mut unit = sign_in.begin(Actor::EXTERNAL).await?;
    let opened = one_time_tokens::use_token(&mut unit, token, TokenPurpose::Invite)
        .await?
        .ok_or_else(invalid)?;
    if !accounts::activate_user(&mut unit, opened.user, password_hash).await? {
        return Err(invalid());
    }
    one_time_tokens::void_tokens(&mut unit, opened.user).await?;
    let user = sign_in
        .load_user(&mut unit, opened.user)
        .await?
        .ok_or_else(invalid)?;
    unit.publish(user.version, UserActivated { user_id: user.id })
        .await?;
    let entry = audit::Entry::new("identity.user.activated", "user", user.id)
        .change("status", "invited", "active");
    unit.audit(entry).await?;
    let authentication = Authentication::FirstFactor(AuthMethod::Invite);
    sign_in.finish(unit, user, authentication).await
}
