//! Registering oneself.

use std::sync::Arc;

use access::{Tenant, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::{Actor, ActorKind, TenantTx};
use http::HeaderMap;
use ids::UserId;
use serde_json::json;
use web::{
    Accepted, Email, SingleLine, Problem, RequestInfo, Slug, ValidJson, body::BoundedVec, fields::Locale,
    problem::Result,
};

use crate::{
    App,
    domain::{
        name::{FullName, Name, NamePart},
        password::{self, NewPassword, Owner},
        status::UserStatus,
        tenant_rules,
    },
    error::REGISTRATION_CLOSED,
    events::USER_REGISTERED,
    http::{
        links::{
            mail_request::{CheckMail, at_a_step},
            one_time_link::{self, Link},
        },
        people::rules,
        sessions::cookie,
        tenant::{find_tenant, place},
    },
    store::{
        accounts,
        one_time_tokens::TokenPurpose,
        seats,
        users::{self, NewUser},
    },
};

/// Somebody outside.
pub(crate) const EXTERNAL: Actor = Actor {
    kind: ActorKind::External,
    id: None,
};

web::body! {
    /// Somebody who wants an account.
    pub struct Register {
        /// The organisation's slug; without it the page's or the host's domain tells.
        pub tenant: Option<Slug>,
        /// The mail address; a link is sent there.
        pub email: Email,
        /// The password; it holds once the link has been opened.
        pub password: NewPassword,
        /// Given name; needed with `family_name` unless `name` is there.
        pub given_name: Option<NamePart>,
        /// Family name.
        pub family_name: Option<NamePart>,
        /// The whole name instead.
        pub name: Option<FullName>,
        /// Language of mails and pages; the organisation's by default.
        pub locale: Option<Locale>,
        /// What the person agreed to, by the purposes' names.
        pub consents: Option<BoundedVec<SingleLine<1, 64>, 20>>,
    }
    example { "tenant": "demo", "email": "ada@example.org", "password": "correct horse battery staple", "given_name": "Ada", "family_name": "Lovelace" }
}

/// Register.
///
/// Known and unknown addresses get the same answer after the same time; only the mail tells. Signing in is possible once
/// the link in it has been opened.
#[utoipa::path(
    post,
    path = "/auth/register",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 202, body = CheckMail, description = "If the address is new, a mail with a link is on its way."))
)]
pub(crate) async fn register_user(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<Register>,
) -> Result<Accepted<CheckMail>> {
    at_a_step(&app, try_register(&app, &request, &headers, body.value)).await?;
    Ok(CheckMail::answer())
}

/// What was sent, checked as far as that goes without asking the database for people.
struct Registration {
    email: Email,
    name: Name,
    password_hash: String,
    locale: String,
    consents: Vec<SingleLine<1, 64>>,
}

async fn try_register(
    app: &App,
    request: &RequestInfo,
    headers: &HeaderMap,
    body: Register,
) -> Result<()> {
    let tenant = find_tenant(app, headers, body.tenant.as_ref()).await?;
    cookie::check_page(&app.state, headers, tenant.as_ref().map(|tenant| tenant.id)).await?;
    let now = app.state.clock().now();
    let place = place(tenant.as_deref(), body.tenant.as_ref());
    app.mail_throttle
        .count(&place, body.email.as_str(), request.address(), now)
        .await?;
    let tenant = tenant
        .filter(|tenant| tenant_rules::takes_registrations(tenant))
        .ok_or(&REGISTRATION_CLOSED)?;
    let name = Name::new(body.given_name, body.family_name, body.name).map_err(Problem::invalid)?;
    let owner = Owner {
        email: body.email.as_str(),
        given_name: &name.given,
        family_name: &name.family,
    };
    let min_length = tenant_rules::min_password_length(&tenant);
    password::check(&body.password, owner, min_length).map_err(password::refused)?;
    let registration = Registration {
        password_hash: app.hasher.hash(body.password.expose()).await?,
        locale: body.locale.map_or_else(
            || tenant.locale.clone(),
            |locale| locale.as_str().to_owned(),
        ),
        consents: body.consents.map(|consents| consents.0).unwrap_or_default(),
        email: body.email,
        name,
    };
    keep(app, request, &tenant, &registration).await
}

/// Seats come first, for known addresses too: the refusal tells nothing about an address.
async fn keep(
    app: &App,
    request: &RequestInfo,
    tenant: &Arc<Tenant>,
    registration: &Registration,
) -> Result<()> {
    let now = app.state.clock().now();
    let mut tx = app.db.begin(tenant.id, EXTERNAL).await?;
    seats::lock_people(&mut tx).await?;
    rules::check_seats(&mut tx, now).await?;
    let account = accounts::find_account(&mut tx, registration.email.as_str()).await?;
    let user = match account {
        None => Some((
            insert(&mut tx, request, tenant, registration, now).await?,
            1,
        )),
        // Registered before and never proved: a link of its own, with the password of this registration. Somebody who was
        // invited has a link already, and a stranger's password must not come with another.
        Some(account) if account.registered && account.status == UserStatus::Invited => {
            Some((account.id, account.version))
        }
        Some(_) => None,
    };
    if let Some(user) = user {
        let lifetime = app.settings.verify_lifetime;
        let link = Link {
            password_hash: Some(&registration.password_hash),
            data: json!({"consents": registration.consents}),
            ..Link::plain(&USER_REGISTERED, TokenPurpose::VerifyEmail, lifetime)
        };
        one_time_link::send(app, &mut tx, request, user, link, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn insert(
    tx: &mut TenantTx,
    request: &RequestInfo,
    tenant: &Tenant,
    registration: &Registration,
    now: DateTime<Utc>,
) -> Result<UserId> {
    let roles = crate::store::roles::list_roles(tx).await?;
    let role = roles
        .iter()
        .find(|role| role.built_in && role.base_role == "customer")
        .ok_or(&REGISTRATION_CLOSED)?;
    let new = NewUser {
        id: UserId::at(now),
        role_id: role.id,
        email: registration.email.as_str(),
        name: &registration.name,
        password_hash: None,
        locale: &registration.locale,
        time_zone: &tenant.time_zone,
        phone: None,
    };
    users::insert_user(tx, &new, now).await?;
    let entry = audit::Entry::new("identity.user.registered", "user", new.id);
    audit::record(tx, request, now, None, entry).await?;
    Ok(new.id)
}
