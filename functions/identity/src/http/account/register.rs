//! Registration of new users.

use access::{Tenant, audit};
use axum::extract::State;
use chrono::TimeDelta;
use db::Actor;
use events::UnitOfWork;
use http::{HeaderMap, header};
use ids::UserId;
use web::{
    Accepted, Email, Localized, Problem, RequestInfo, SingleLine, Slug, ValidJson,
    body::BoundedVec,
    fields::Locale,
    problem::{FieldCode, RATE_LIMITED, Result},
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
        registrations, roles, seats,
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

/// Maximum number of registrations of a tenant that wait for their address to be verified.
const MAX_PENDING: i64 = 1_000;
/// How long a registration waits at least before it gives way to another.
const MIN_PENDING_TIME: TimeDelta = TimeDelta::hours(1);
/// Maximum length of the display name in characters.
const MAX_DISPLAY_NAME: usize = 60;
const NOT_A_NAME: FieldCode = FieldCode::Rule(
    "not_a_name",
    Localized {
        de: "muss ein Name ohne Internetadresse mit höchstens 60 Zeichen sein",
        en: "must be a name without a web address, at most 60 characters",
    },
);

/// Register an account
///
/// Sends an email with a link; signing in is possible once the link has been opened, and only then a seat of the licence is taken. A
/// registration whose link is not opened is deleted after 7 days. The response and its timing are the same whether or not the address
/// already has an account.
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
    // We send mail with this name to an address that is not proved yet: it must not carry someone's message.
    if name.display.contains("://") || name.display.chars().count() > MAX_DISPLAY_NAME {
        return Err(Problem::field("/name", NOT_A_NAME));
    }
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
    make_room(&mut unit).await?;
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

/// Keeps strangers from filling the table: the oldest registration gives way, unless its link may just be on the way.
async fn make_room(unit: &mut UnitOfWork) -> Result<()> {
    if registrations::count_pending(unit).await? < MAX_PENDING {
        return Ok(());
    }
    let before = unit.now() - MIN_PENDING_TIME;
    if registrations::erase_pending(unit, before, 1).await? == 0 {
        let seconds = MIN_PENDING_TIME.num_seconds();
        return Err(RATE_LIMITED
            .problem()
            .header(header::RETRY_AFTER, seconds.to_string()));
    }
    Ok(())
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
