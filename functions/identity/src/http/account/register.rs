//! Registration of new users.

use access::{Tenant, audit};
use axum::extract::State;
use db::Actor;
use events::UnitOfWork;
use http::HeaderMap;
use ids::UserId;
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
    events::UserRegistered,
    http::{
        links::{
            mail_request::{MailAccepted, check_mail_request, constant_time_response},
            one_time_link::{self, Link, SentLink},
        },
        people::rules,
    },
    store::{
        accounts,
        one_time_tokens::TokenPurpose,
        roles, seats,
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
    let slug = body.tenant.as_ref();
    let tenant = check_mail_request(app, request, headers, slug, &body.email)
        .await?
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
    store_registration(app, request, &tenant, registration).await
}

/// Checks seats first, for known addresses too, so that the refusal reveals nothing about the address.
async fn store_registration(
    app: &App,
    request: &RequestInfo,
    tenant: &Tenant,
    registration: Registration,
) -> Result<()> {
    let mut unit = UnitOfWork::begin_anonymous(app, request, tenant.id, Actor::EXTERNAL).await?;
    seats::lock_people(&mut unit).await?;
    rules::check_seats(&mut unit).await?;
    let account = accounts::find_account(&mut unit, registration.email.as_str()).await?;
    let user = match account {
        None => Some((insert_user(&mut unit, tenant, &registration).await?, 1)),
        // Registered before but never verified: send another link, with the password of this registration. Invited users
        // already have a link, and must not get one with a password that someone else chose.
        Some(account) if account.registered && account.status == UserStatus::Invited => {
            Some((account.id, account.version))
        }
        Some(_) => None,
    };
    if let Some((user, version)) = user {
        let link = Link {
            password_hash: Some(&registration.password_hash),
            ..Link::new(TokenPurpose::VerifyEmail, app.settings.verify_lifetime)
        };
        let consents = registration.consents.into_iter();
        let consents = consents.map(SingleLine::into_string).collect();
        let event = |link: SentLink| UserRegistered {
            user_id: link.user_id,
            one_time_token_id: link.one_time_token_id,
            purpose: link.purpose,
            consents,
        };
        one_time_link::send_link(app, &mut unit, user, version, link, event).await?;
    }
    unit.commit().await
}

async fn insert_user(
    unit: &mut UnitOfWork,
    tenant: &Tenant,
    registration: &Registration,
) -> Result<UserId> {
    let roles = roles::list_roles(unit).await?;
    let role = roles
        .iter()
        .find(|role| role.built_in && role.base_role == "customer")
        .ok_or(&REGISTRATION_CLOSED)?;
    let new = NewUser {
        id: UserId::at(unit.now()),
        role_id: role.id,
        email: registration.email.as_str(),
        name: &registration.name,
        password_hash: None,
        locale: &registration.locale,
        time_zone: &tenant.time_zone,
        phone: None,
    };
    users::insert_user(unit, &new).await?;
    unit.audit(audit::Entry::new(
        "identity.user.registered",
        "user",
        new.id,
    ))
    .await?;
    Ok(new.id)
}
