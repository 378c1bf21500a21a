//! Registration of new users.

use std::sync::Arc;

use access::{Tenant, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::{Actor, TenantTx};
use http::HeaderMap;
use ids::UserId;
use serde_json::json;
use web::{
    Accepted, Email, Problem, RequestInfo, SingleLine, Slug, ValidJson, body::BoundedVec,
    fields::Locale, problem::Result,
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
            mail_request::{MailAccepted, constant_time_response},
            one_time_link::{self, Link},
        },
        people::rules,
        sessions::cookie,
        tenant::{find_tenant, throttle_key},
    },
    store::{
        accounts,
        one_time_tokens::TokenPurpose,
        seats,
        users::{self, NewUser},
    },
};

web::body! {
    /// A new account.
    pub struct Register {
        /// Slug of the organisation. If omitted, the domain of the page or host determines it.
        pub tenant: Option<Slug>,
        /// Email address. The verification link is sent there.
        pub email: Email,
        /// The password. It takes effect once the link has been opened.
        pub password: NewPassword,
        /// Given name. Required together with `family_name` unless `name` is given.
        pub given_name: Option<NamePart>,
        /// Family name.
        pub family_name: Option<NamePart>,
        /// Full name, instead of `given_name` and `family_name`.
        pub name: Option<FullName>,
        /// Language of emails and pages. Defaults to the organisation's.
        pub locale: Option<Locale>,
        /// Purposes to which the user consents, by name.
        pub consents: Option<BoundedVec<SingleLine<1, 64>, 20>>,
    }
    example { "tenant": "demo", "email": "ada@example.org", "password": "correct horse battery staple", "given_name": "Ada", "family_name": "Lovelace" }
}

/// Register an account
///
/// Sends an email with a link; signing in is possible once the link has been opened. The response and its timing are the same
/// whether or not the address already has an account.
#[utoipa::path(
    post,
    path = "/auth/register",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 202, body = MailAccepted, description = "If the address is new, an email with a link is sent."))
)]
pub(crate) async fn register_user(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<Register>,
) -> Result<Accepted<MailAccepted>> {
    constant_time_response(
        &app,
        check_and_register(&app, &request, &headers, body.value),
    )
    .await?;
    Ok(MailAccepted::answer())
}

/// The request, validated as far as possible without reading accounts.
struct Registration {
    email: Email,
    name: Name,
    password_hash: String,
    locale: String,
    consents: Vec<SingleLine<1, 64>>,
}

async fn check_and_register(
    app: &App,
    request: &RequestInfo,
    headers: &HeaderMap,
    body: Register,
) -> Result<()> {
    let tenant = find_tenant(app, headers, body.tenant.as_ref()).await?;
    cookie::check_page(&app.state, headers, tenant.as_ref().map(|tenant| tenant.id)).await?;
    let now = app.state.clock().now();
    let throttle_key = throttle_key(tenant.as_deref(), body.tenant.as_ref());
    app.mail_throttle
        .consume(&throttle_key, body.email.as_str(), request.address(), now)
        .await?;
    let tenant = tenant
        .filter(|tenant| tenant_rules::allows_registration(tenant))
        .ok_or(&REGISTRATION_CLOSED)?;
    let name = Name::new(body.given_name, body.family_name, body.name).map_err(Problem::invalid)?;
    let owner = Owner {
        email: body.email.as_str(),
        given_name: &name.given,
        family_name: &name.family,
    };
    let min_length = tenant_rules::min_password_length(&tenant);
    password::check(&body.password, owner, min_length)
        .map_err(|code| Problem::field("/password", code))?;
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
    store_registration(app, request, &tenant, &registration).await
}

/// Checks seats first, for known addresses too, so that the refusal reveals nothing about the address.
async fn store_registration(
    app: &App,
    request: &RequestInfo,
    tenant: &Arc<Tenant>,
    registration: &Registration,
) -> Result<()> {
    let now = app.state.clock().now();
    let mut tx = app.db.begin(tenant.id, Actor::EXTERNAL).await?;
    seats::lock_people(&mut tx).await?;
    rules::check_seats(&mut tx, now).await?;
    let account = accounts::find_account(&mut tx, registration.email.as_str()).await?;
    let user = match account {
        None => Some((
            insert_user(&mut tx, request, tenant, registration, now).await?,
            1,
        )),
        // Registered before but never verified: send another link, with the password of this registration. Invited users
        // already have a link, and must not get one with a password that someone else chose.
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
            ..Link::new(&USER_REGISTERED, TokenPurpose::VerifyEmail, lifetime)
        };
        one_time_link::send_link(app, &mut tx, request, user, link, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn insert_user(
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
