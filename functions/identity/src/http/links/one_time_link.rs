//! Links that work once: made, sealed for the mail, and read again.

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

/// A link's token as it comes back.
pub(crate) type GivenToken = Secret<1, 1024>;

/// Reads a token; one of another form is as unknown as one that never was.
pub(crate) fn parse(token: &GivenToken) -> Result<Opaque<OneTimeToken>> {
    Opaque::parse(token.expose()).ok_or_else(|| unauthorized(&INVALID_TOKEN))
}

/// A link to be made.
pub(crate) struct Link<'a> {
    pub(crate) kind: &'static EventKind,
    pub(crate) purpose: TokenPurpose,
    pub(crate) lifetime: TimeDelta,
    /// The password that holds from its use on.
    pub(crate) password_hash: Option<&'a str>,
    /// The address that its use brings; the mail goes there.
    pub(crate) email: Option<&'a str>,
    /// What has to be shown beside it.
    pub(crate) binding: Option<&'a Binding>,
    /// Further members of the announcement.
    pub(crate) data: Value,
}

impl Link<'_> {
    /// A link that brings nothing along.
    pub(crate) fn plain(
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

/// Keeps the hash of a fresh token and announces the token itself, sealed for the function that sends mails.
pub(crate) async fn send(
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
    // The address that is not a person's yet is in no event but here, where nobody else reads it.
    let mut letter = token.to_text();
    if let Some(email) = link.email {
        letter.push('\n');
        letter.push_str(email);
    }
    let sealed = app
        .state
        .keyring()
        .seal(
            Purpose::Notifications,
            tenant.uuid().as_bytes(),
            letter.as_bytes(),
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

/// Invites somebody, or invites again: links that are still open become worthless.
pub(crate) async fn invite(
    app: &App,
    tx: &mut TenantTx,
    request: &RequestInfo,
    user: (UserId, i32),
    now: DateTime<Utc>,
) -> Result<()> {
    one_time_tokens::void_tokens(tx, user.0, now).await?;
    let lifetime = app.settings.invite_lifetime;
    let link = Link::plain(&USER_INVITED, TokenPurpose::Invite, lifetime);
    send(app, tx, request, user, link, now).await
}
