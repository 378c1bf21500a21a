//! Whose account it is that somebody from an issuer comes to.
//!
//! Issuer and subject say who it is. The address alone opens no account that has a password: whoever once had the address at the
//! issuer would get in without it.

use std::sync::Arc;

use access::{Tenant, audit, opaque::Opaque};
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::{OauthFlow, OauthIdentityId, UserId};
use serde_json::{Value, json};
use web::{Email, SingleLine, RequestInfo, problem::Result};

use super::{callback::AppleUser, flow::Flow};
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
    events::USER_ACTIVATED,
    http::{account::register::EXTERNAL, announce, people::rules},
    oidc::{Identity, Provider},
    store::{
        oauth_flows::{self, IssuedIdentity, NewCode},
        oauth_identities::{self, Owner},
        roles, seats,
        users::{self, NewUser},
    },
};

/// Somebody who came back, after every check of the issuer's word.
pub(super) struct Arrival<'a> {
    pub(super) tenant: &'a Arc<Tenant>,
    pub(super) provider: &'a Provider,
    pub(super) identity: &'a Identity,
    pub(super) apple: AppleUser,
}

impl Arrival<'_> {
    fn subject(&self) -> IssuedIdentity<'_> {
        IssuedIdentity {
            issuer: self.provider.issuer(),
            subject: &self.identity.subject,
            email: self.identity.email.as_ref().map(Email::as_str),
        }
    }

    /// The address, if the issuer vouches for it.
    fn proved_email(&self) -> Result<&Email> {
        let email = self.identity.email.as_ref();
        let proved = email.filter(|_| self.identity.email_verified);
        Ok(proved.ok_or(&ADDRESS_NOT_VERIFIED)?)
    }

    /// What to call somebody: as the issuer says, else by the address.
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

/// Finds, links or makes the account, and keeps the code with which the page gets in.
pub(super) async fn settle(
    app: &App,
    request: &RequestInfo,
    (state, flow): (&Opaque<OauthFlow>, &Flow),
    arrival: Arrival<'_>,
    now: DateTime<Utc>,
) -> Result<Opaque<OauthFlow>> {
    let mut tx = app.db.begin(arrival.tenant.id, EXTERNAL).await?;
    let code = Opaque::<OauthFlow>::generate(arrival.tenant.id, state.row);
    let (user, subject) = match flow.linking {
        Some(user) => {
            let subject = arrival.subject();
            let owner =
                oauth_identities::find_owner(&mut tx, subject.issuer, subject.subject).await?;
            if owner.is_some() {
                return Err(IDENTITY_TAKEN.problem());
            }
            (user, Some(subject))
        }
        None => (find_or_make(&mut tx, request, &arrival, now).await?, None),
    };
    let new = NewCode {
        token: &code,
        user,
        challenge: flow.challenge.as_ref().map(<[u8; 32]>::as_slice),
        expires_at: now + app.settings.sign_in_code,
    };
    oauth_flows::keep_code(&mut tx, &new, subject.as_ref()).await?;
    tx.commit().await?;
    Ok(code)
}

fn active(owner: Owner) -> Result<UserId> {
    if owner.status == UserStatus::Active {
        Ok(owner.user)
    } else {
        Err(ACCOUNT_NOT_ACTIVE.problem())
    }
}

async fn find_or_make(
    tx: &mut TenantTx,
    request: &RequestInfo,
    arrival: &Arrival<'_>,
    now: DateTime<Utc>,
) -> Result<UserId> {
    let IssuedIdentity {
        issuer, subject, ..
    } = arrival.subject();
    if let Some(owner) = oauth_identities::find_owner(tx, issuer, subject).await? {
        return active(owner);
    }
    let email = arrival.proved_email()?;
    let mut candidate = oauth_identities::lock_candidate(tx, email.as_str()).await?;
    if candidate.is_none() {
        // The same person may be making the same account at this moment, by another tab.
        seats::lock_people(tx).await?;
        if let Some(owner) = oauth_identities::find_owner(tx, issuer, subject).await? {
            return active(owner);
        }
        candidate = oauth_identities::lock_candidate(tx, email.as_str()).await?;
    }
    let user = match candidate {
        Some(found) if found.status != UserStatus::Active => {
            return Err(ACCOUNT_NOT_ACTIVE.problem());
        }
        Some(found) if found.has_password || !found.is_verified => {
            return Err(LINK_REQUIRES_SIGN_IN.problem());
        }
        Some(found) => found.user,
        None => make(tx, request, arrival, email, now).await?,
    };
    let id = OauthIdentityId::at(now);
    let provider = &arrival.provider.name;
    let linked =
        oauth_identities::insert_identity(tx, id, user, provider, &arrival.subject(), now).await?;
    if linked {
        let entry = linked_entry(id, provider);
        audit::record(tx, request, now, None, entry).await?;
        return Ok(user);
    }
    // Linked by another tab while this one waited for the account.
    let owner = oauth_identities::find_owner(tx, issuer, subject).await?;
    active(owner.ok_or(&IDENTITY_TAKEN)?)
}

/// What the log says of a new way in.
pub(crate) fn linked_entry(id: OauthIdentityId, provider: &str) -> audit::Entry {
    audit::Entry::new("identity.oauth_identity.linked", "oauth_identity", id).change(
        "provider",
        Value::Null,
        provider,
    )
}

/// An account for somebody new, active at once: the issuer has proved the address. Exact under [`seats::lock_people`].
async fn make(
    tx: &mut TenantTx,
    request: &RequestInfo,
    arrival: &Arrival<'_>,
    email: &Email,
    now: DateTime<Utc>,
) -> Result<UserId> {
    if !tenant_rules::takes_registrations(arrival.tenant) {
        return Err(REGISTRATION_CLOSED.problem());
    }
    rules::check_seats(tx, now).await?;
    let roles = roles::list_roles(tx).await?;
    let role = roles
        .iter()
        .find(|role| role.built_in && role.base_role == "customer")
        .ok_or(&REGISTRATION_CLOSED)?;
    let name = arrival.name(email);
    let new = NewUser {
        id: UserId::at(now),
        role_id: role.id,
        email: email.as_str(),
        name: &name,
        password_hash: None,
        locale: &arrival.tenant.locale,
        time_zone: &arrival.tenant.time_zone,
        phone: None,
    };
    users::insert_user(tx, &new, now).await?;
    oauth_identities::activate_proved(tx, new.id, now).await?;
    let data = json!({"user_id": new.id});
    announce(tx, request, now, &USER_ACTIVATED, (new.id, 1), data).await?;
    let entry = audit::Entry::new("identity.user.registered", "user", new.id);
    audit::record(tx, request, now, None, entry).await?;
    Ok(new.id)
}
