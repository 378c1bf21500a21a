//! Resolves the account of a user who signed in at a provider.
//!
//! Issuer and subject identify the user. The email address alone does not open an account that has a password, another identity of
//! the same issuer, or that this identity was unlinked from: addresses are given to other people, and a former or later owner of
//! one could sign in. It does open an invited or registered account that waits for its address to be verified, because the provider proves it as well as our
//! own email would.

use std::sync::Arc;

use crate::ids::OauthFlow;
use crate::ids::OauthIdentityId;
use access::{Reach, Tenant, audit, opaque::Opaque};
use db::Actor;
use events::UnitOfWork;
use ids::UserId;
use serde_json::Value;
use web::{Email, RequestInfo, SingleLine, problem::Result};

use super::{apple_user::AppleUser, flow::Flow};
use crate::{
    App,
    domain::{
        name::{FullName, Name, NamePart},
        status::UserStatus,
        tenant_rules,
    },
    error::{
        ACCOUNT_NOT_ACTIVE, ADDRESS_NOT_VERIFIED, IDENTITY_TAKEN, LINK_REQUIRES_SIGN_IN,
        REGISTRATION_CLOSED,
    },
    events::{IdentityLinked, UserActivated},
    http::{factors::second_factor::touch_user, people::rules},
    oidc::{Identity, Provider},
    store::{
        accounts,
        oauth_flows::{self, IssuedIdentity, NewCode},
        oauth_identities::{self, Candidate, Owner},
        one_time_tokens, roles, seats,
        users::{self, NewUser},
    },
};

/// A user who signed in at a provider, after the response was verified.
pub(super) struct ExternalLogin<'a> {
    pub(super) tenant: &'a Arc<Tenant>,
    pub(super) provider: &'a Provider,
    pub(super) identity: &'a Identity,
    pub(super) apple: AppleUser,
}

impl ExternalLogin<'_> {
    fn subject(&self) -> IssuedIdentity<'_> {
        IssuedIdentity {
            issuer: self.provider.issuer(),
            subject: &self.identity.subject,
            email: self.identity.email.as_ref().map(Email::as_str),
        }
    }

    /// The email address, if the provider has verified it.
    fn verified_email(&self) -> Result<&Email> {
        let email = self.identity.email.as_ref();
        let proved = email.filter(|_| self.identity.email_verified);
        Ok(proved.ok_or(&ADDRESS_NOT_VERIFIED)?)
    }

    /// The display name: from the provider, otherwise from the email address.
    fn name(&self, email: &Email) -> Name {
        let part = |told: &Option<String>, apple: &Option<String>| {
            let told = told.as_deref().or(apple.as_deref());
            told.and_then(|text| NamePart::parse(text).ok())
        };
        let apple = &self.apple.name;
        let given = part(&self.identity.given_name, &apple.first_name);
        let family = part(&self.identity.family_name, &apple.last_name);
        let whole = self.identity.name.as_deref();
        let whole = whole.and_then(|text| FullName::parse(text).ok());
        if let Ok(name) = Name::new(given.clone(), family.clone(), whole) {
            return name;
        }
        let local = email.as_str().split('@').next().unwrap_or_default();
        let only = given.or(family).map(SingleLine::into_string);
        let only = only.unwrap_or_else(|| local.to_owned());
        Name {
            given: only.clone(),
            family: String::new(),
            display: only,
        }
    }
}

/// Finds, links or creates the account, and stores the code that the page exchanges for tokens.
pub(super) async fn resolve_account(
    app: &App,
    request: &RequestInfo,
    state: &Opaque<OauthFlow>,
    flow: &Flow,
    login: ExternalLogin<'_>,
) -> Result<Opaque<OauthFlow>> {
    let tenant = login.tenant.id;
    let mut unit = UnitOfWork::begin_anonymous(app, request, tenant, Actor::EXTERNAL).await?;
    let code = Opaque::<OauthFlow>::generate(tenant, state.row);
    let (user, subject) = match flow.linking {
        Some(user) => {
            let subject = login.subject();
            let owner =
                oauth_identities::find_owner(&mut unit, subject.issuer, subject.subject).await?;
            if owner.is_some() {
                return Err(IDENTITY_TAKEN.problem());
            }
            (user, Some(subject))
        }
        None => (find_or_create_account(&mut unit, &login).await?, None),
    };
    let new = NewCode {
        token: &code,
        user,
        challenge: flow.challenge.as_ref().map(<[u8; 32]>::as_slice),
        expires_at: unit.now() + app.settings.sign_in_code_lifetime,
    };
    oauth_flows::store_code(&mut unit, &new, subject.as_ref()).await?;
    unit.commit().await?;
    Ok(code)
}

fn require_active(owner: Owner) -> Result<UserId> {
    if owner.status == UserStatus::Active {
        Ok(owner.user)
    } else {
        Err(ACCOUNT_NOT_ACTIVE.problem())
    }
}

async fn find_or_create_account(
    unit: &mut UnitOfWork,
    login: &ExternalLogin<'_>,
) -> Result<UserId> {
    let IssuedIdentity {
        issuer, subject, ..
    } = login.subject();
    if let Some(owner) = oauth_identities::find_owner(unit, issuer, subject).await? {
        return require_active(owner);
    }
    let email = login.verified_email()?;
    let mut candidate = oauth_identities::lock_candidate(unit, email.as_str()).await?;
    if candidate.is_none() {
        // Another tab may be creating the same account right now.
        seats::lock_people(unit).await?;
        if let Some(owner) = oauth_identities::find_owner(unit, issuer, subject).await? {
            return require_active(owner);
        }
        candidate = oauth_identities::lock_candidate(unit, email.as_str()).await?;
    }
    let user = match candidate {
        Some(found) => open_account(unit, login, &found).await?,
        None => create_account(unit, login, email).await?,
    };
    let id = OauthIdentityId::at(unit.now());
    let provider = &login.provider.name;
    let linked =
        oauth_identities::insert_identity(unit, id, user, provider, &login.subject()).await?;
    if linked {
        record_link(unit, user, id, provider).await?;
        return Ok(user);
    }
    // Another tab may have linked it while this one waited for the lock.
    let owner = oauth_identities::find_owner(unit, issuer, subject).await?;
    require_active(owner.ok_or(&IDENTITY_TAKEN)?)
}

/// Decides whether the verified address opens this account.
async fn open_account(
    unit: &mut UnitOfWork,
    login: &ExternalLogin<'_>,
    found: &Candidate,
) -> Result<UserId> {
    let IssuedIdentity {
        issuer, subject, ..
    } = login.subject();
    match found.status {
        UserStatus::Active => {}
        UserStatus::Invited => return accept_for(unit, login, found.user).await,
        UserStatus::Locked | UserStatus::Disabled | UserStatus::Erased => {
            return Err(ACCOUNT_NOT_ACTIVE.problem());
        }
    }
    let earlier = oauth_identities::find_earlier_links(unit, found.user, issuer, subject).await?;
    if found.has_password || !found.is_verified || earlier.has_other_subject || earlier.was_unlinked
    {
        return Err(LINK_REQUIRES_SIGN_IN.problem());
    }
    Ok(found.user)
}

/// Accepts the invitation of, or completes the registration with, an address that the provider has verified. Links that wait are
/// void: someone else may have chosen the password behind one.
async fn accept_for(
    unit: &mut UnitOfWork,
    login: &ExternalLogin<'_>,
    user: UserId,
) -> Result<UserId> {
    if login.tenant.is_frozen() {
        return Err(ACCOUNT_NOT_ACTIVE.problem());
    }
    seats::lock_people(unit).await?;
    if !seats::has_seat(unit, user).await? {
        rules::check_seats(unit).await?;
    }
    let email = login.verified_email()?;
    let account = accounts::find_account(unit, email.as_str()).await?;
    if account.is_some_and(|account| account.registered) {
        // The address may have been registered by someone else, who chose the name.
        rename(unit, user, login.name(email)).await?;
    }
    one_time_tokens::void_tokens(unit, user).await?;
    oauth_identities::activate_verified_user(unit, user).await?;
    let version = touch_user(unit, user).await?;
    unit.publish(version, UserActivated { user_id: user })
        .await?;
    let entry = audit::Entry::new("identity.user.activated", "user", user)
        .change("status", "invited", "active");
    unit.audit(entry).await?;
    Ok(user)
}

async fn rename(unit: &mut UnitOfWork, user: UserId, name: Name) -> Result<()> {
    let before = users::find_user(unit, Reach::All, user, false).await?;
    let mut row = before.ok_or(&ACCOUNT_NOT_ACTIVE)?;
    (row.given_name, row.family_name, row.display_name) = (name.given, name.family, name.display);
    users::update_user(unit, Reach::All, &row).await?;
    Ok(())
}

/// Publishes and audits that an identity was linked.
pub(crate) async fn record_link(
    unit: &mut UnitOfWork,
    user: UserId,
    id: OauthIdentityId,
    provider: &str,
) -> Result<()> {
    let version = touch_user(unit, user).await?;
    let event = IdentityLinked {
        user_id: user,
        provider: provider.to_owned(),
    };
    unit.publish(version, event).await?;
    let entry = audit::Entry::new("identity.oauth_identity.linked", "oauth_identity", id);
    unit.audit(entry.change("provider", Value::Null, provider))
        .await?;
    Ok(())
}

/// Creates an account that is active at once, because the provider has verified the address. Exact under [`seats::lock_people`].
async fn create_account(
    unit: &mut UnitOfWork,
    login: &ExternalLogin<'_>,
    email: &Email,
) -> Result<UserId> {
    if !tenant_rules::allows_registration(login.tenant) {
        return Err(REGISTRATION_CLOSED.problem());
    }
    rules::check_seats(unit).await?;
    let roles = roles::list_roles(unit).await?;
    let role = roles
        .iter()
        .find(|role| role.built_in && role.base_role == "customer")
        .ok_or(&REGISTRATION_CLOSED)?;
    let name = login.name(email);
    let new = NewUser {
        id: UserId::at(unit.now()),
        role_id: role.id,
        email: email.as_str(),
        name: &name,
        password_hash: None,
        locale: &login.tenant.locale,
        time_zone: &login.tenant.time_zone,
        phone: None,
    };
    users::insert_user(unit, &new).await?;
    oauth_identities::activate_verified_user(unit, new.id).await?;
    unit.publish(1, UserActivated { user_id: new.id }).await?;
    let entry = audit::Entry::new("identity.user.registered", "user", new.id);
    unit.audit(entry).await?;
    Ok(new.id)
}
