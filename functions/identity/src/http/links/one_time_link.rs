//! One-time links: created, sealed for the email, and parsed when they come back.

use access::{Purpose, opaque::Opaque};
use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use events::{Announcement, EventKind};
use ids::{OneTimeToken, OneTimeTokenId, UserId};
use serde_json::{Value, json};
use web::{Problem, RequestInfo, fields::Secret, problem::Result};

use crate::{
    App,
    domain::link_binding::Binding,
    error::{INVALID_TOKEN, unauthorized},
    events::USER_INVITED,
    store::one_time_tokens::{self, NewToken, TokenPurpose},
};

/// The token of a link, as sent by the client.
pub(crate) type TokenInput = Secret<1, 1024>;

/// Parses a token; a malformed one is refused like an unknown one.
pub(crate) fn parse_token(token: &TokenInput) -> Result<Opaque<OneTimeToken>> {
    Opaque::parse(token.expose()).ok_or_else(|| unauthorized(&INVALID_TOKEN))
}

/// A link to create.
pub(crate) struct Link<'a> {
    pub(crate) kind: &'static EventKind,
    pub(crate) purpose: TokenPurpose,
    pub(crate) lifetime: TimeDelta,
    /// The password that its use sets.
    pub(crate) password_hash: Option<&'a str>,
    /// The email address that its use sets; the email is sent there.
    pub(crate) email: Option<&'a str>,
    /// What must be presented together with it.
    pub(crate) binding: Option<&'a Binding>,
    /// Additional members of the event's data.
    pub(crate) data: Value,
}

impl Link<'_> {
    /// A link without a password, email address or binding.
    pub(crate) fn new(
        kind: &'static EventKind,
        purpose: TokenPurpose,
        lifetime: TimeDelta,
    ) -> Self {
        Self {
            kind,
            purpose,
            lifetime,
            password_hash: None,
            email: None,
            binding: None,
            data: Value::Null,
        }
    }
}

/// Stores the hash of a new token and publishes the token, sealed for the function that sends emails.
pub(crate) async fn send_link(
    app: &App,
    tx: &mut TenantTx,
    request: &RequestInfo,
    (user, version): (UserId, i32),
    link: Link<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    let token = Opaque::<OneTimeToken>::generate(tenant, OneTimeTokenId::at(now));
    let times = (now, now + link.lifetime);
    let new = NewToken {
        user,
        purpose: link.purpose,
        password_hash: link.password_hash,
        email: link.email,
        binding: link.binding,
    };
    one_time_tokens::insert_token(tx, &token, &new, times).await?;
    // The new address is not verified yet, so it is sent only sealed.
    let mut content = token.to_text();
    if let Some(email) = link.email {
        content.push('\n');
        content.push_str(email);
    }
    let sealed = app
        .state
        .keyring()
        .seal(
            Purpose::Notifications,
            tenant.uuid().as_bytes(),
            content.as_bytes(),
        )
        .map_err(Problem::internal)?;
    let mut data =
        json!({"user_id": user, "one_time_token_id": token.row, "purpose": link.purpose});
    if let (Value::Object(data), Value::Object(more)) = (&mut data, link.data) {
        data.extend(more);
    }
    let announcement = Announcement {
        kind: link.kind,
        subject: format!("users/{user}"),
        version: version.into(),
        data,
        sealed: Some(sealed),
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}

/// Sends an invitation and voids open ones.
pub(crate) async fn send_invitation(
    app: &App,
    tx: &mut TenantTx,
    request: &RequestInfo,
    user: (UserId, i32),
    now: DateTime<Utc>,
) -> Result<()> {
    one_time_tokens::void_tokens(tx, user.0, now).await?;
    let lifetime = app.settings.invite_lifetime;
    let link = Link::new(&USER_INVITED, TokenPurpose::Invite, lifetime);
    send_link(app, tx, request, user, link, now).await
}
