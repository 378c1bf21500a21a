//! One-time links: created, sealed for the email, and parsed when they come back.

use access::{Purpose, Reach, opaque::Opaque};
use chrono::TimeDelta;
use db::Actor;
use events::{Event, UnitOfWork};
use ids::{OneTimeToken, OneTimeTokenId, UserId};
use web::{Problem, fields::Secret, problem::Result};

use crate::{
    App,
    domain::link_binding::Binding,
    error::{INVALID_TOKEN, unauthorized},
    events::{
        EmailChangeRequested, MagicLinkRequested, PasswordResetRequested, UserInvited,
        VerificationRequested,
    },
    store::{
        one_time_tokens::{self, NewToken, TokenPurpose},
        users::{self, UserRow},
    },
};

/// The token of a link, as sent by the client.
pub(crate) type TokenInput = Secret<1, 1024>;

/// Parses a token; a malformed one is refused like an unknown one.
pub(crate) fn parse_token(token: &TokenInput) -> Result<Opaque<OneTimeToken>> {
    Opaque::parse(token.expose()).ok_or_else(|| unauthorized(&INVALID_TOKEN))
}

/// Finds the owner of a link while it is valid.
pub(crate) async fn find_owner(
    app: &App,
    token: &Opaque<OneTimeToken>,
    purpose: TokenPurpose,
) -> Result<UserRow> {
    let invalid = || unauthorized(&INVALID_TOKEN);
    let mut tx = app.begin_read_only(token.tenant, Actor::EXTERNAL).await?;
    let live = one_time_tokens::find_token(&mut tx, token, purpose)
        .await?
        .ok_or_else(invalid)?;
    let user = users::find_user(&mut tx, Reach::All, live.user, false).await?;
    tx.commit().await?;
    user.ok_or_else(invalid)
}

/// A link to create.
pub(crate) struct Link<'a> {
    pub(crate) purpose: TokenPurpose,
    pub(crate) lifetime: TimeDelta,
    /// The password that its use sets.
    pub(crate) password_hash: Option<&'a str>,
    /// The email address that its use sets; the email is sent there.
    pub(crate) email: Option<&'a str>,
    /// What must be presented together with it.
    pub(crate) binding: Option<&'a Binding>,
}

impl Link<'_> {
    /// A link without a password, email address or binding.
    pub(crate) fn new(purpose: TokenPurpose, lifetime: TimeDelta) -> Self {
        Self {
            purpose,
            lifetime,
            password_hash: None,
            email: None,
            binding: None,
        }
    }
}

/// A link that is sent with an event.
pub(crate) struct SentLink {
    pub(crate) user_id: UserId,
    pub(crate) one_time_token_id: OneTimeTokenId,
    pub(crate) purpose: TokenPurpose,
}

macro_rules! from_sent_link {
    ($($event:ident),+) => {$(
        impl From<SentLink> for $event {
            fn from(link: SentLink) -> Self {
                Self {
                    user_id: link.user_id,
                    one_time_token_id: link.one_time_token_id,
                    purpose: link.purpose,
                }
            }
        }
    )+};
}

from_sent_link!(
    UserInvited,
    VerificationRequested,
    EmailChangeRequested,
    PasswordResetRequested,
    MagicLinkRequested
);

/// Stores the hash of a new token and publishes the token, sealed for the function that sends emails. `version` is the user's.
pub(crate) async fn send_link<E: Event>(
    app: &App,
    unit: &mut UnitOfWork,
    user: UserId,
    version: i32,
    link: Link<'_>,
    event: impl FnOnce(SentLink) -> E,
) -> Result<()> {
    let (tenant, now) = (unit.tenant(), unit.now());
    let token = Opaque::<OneTimeToken>::generate(tenant, OneTimeTokenId::at(now));
    let new = NewToken {
        user,
        purpose: link.purpose,
        password_hash: link.password_hash,
        email: link.email,
        binding: link.binding,
    };
    one_time_tokens::insert_token(unit, &token, &new, now + link.lifetime).await?;
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
    let sent = SentLink {
        user_id: user,
        one_time_token_id: token.row,
        purpose: link.purpose,
    };
    unit.publish_sealed(version, event(sent), sealed).await?;
    Ok(())
}

/// Sends an invitation and voids open ones. A registration of the address becomes an invitation: it is never erased for being unproved,
/// and no link with a password that someone chose at registering opens it. `version` is the user's.
pub(crate) async fn send_invitation(
    app: &App,
    unit: &mut UnitOfWork,
    user: UserId,
    version: i32,
) -> Result<()> {
    one_time_tokens::delete_registrations(unit, user).await?;
    one_time_tokens::void_tokens(unit, user).await?;
    let link = Link::new(TokenPurpose::Invite, app.settings.invite_lifetime);
    send_link(app, unit, user, version, link, UserInvited::from).await
}
