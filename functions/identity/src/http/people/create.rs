//! Creates users.

use access::{Caller, Reach, audit, mask};
use axum::{extract::State, response::Response};
use db::{DbError, TenantTx};
use events::{Attempt, Idempotent};
use ids::UserId;
use serde_json::Value;
use web::{
    Created, Email, Problem, SingleLine, TimeZone,
    fields::Locale,
    problem::{self, Result},
};

use super::{User, rules};
use crate::{
    App,
    domain::{
        name::{FullName, Name, NamePart},
        password::{self, NewPassword, Owner},
        phone::Phone,
        tenant_rules,
    },
    error::EMAIL_TAKEN,
    events::UserActivated,
    http::links::one_time_link,
    permissions::UserCreate,
    store::{
        roles, seats,
        users::{self, NewUser, UserRow},
    },
};

web::body! {
    /// A new user.
    pub struct CreateUser {
        /// Email address, unique in the organisation.
        pub email: Email,
        /// Password. If given, the account is active at once; otherwise an invitation is sent.
        pub password: Option<NewPassword>,
        /// Given name. Required together with `family_name` unless `name` is given.
        pub given_name: Option<NamePart>,
        /// Family name.
        pub family_name: Option<NamePart>,
        /// Full name, instead of `given_name` and `family_name`.
        pub name: Option<FullName>,
        /// Name of the role. Defaults to `customer`.
        pub role: Option<SingleLine<1, 64>>,
        /// Phone number.
        pub phone: Option<Phone>,
        /// Language of emails and pages. Defaults to the organisation's.
        pub locale: Option<Locale>,
        /// Time zone. Defaults to the organisation's.
        pub time_zone: Option<TimeZone>,
    }
    example { "email": "ada@example.org", "given_name": "Ada", "family_name": "Lovelace", "role": "expert" }
}

/// Create a user
///
/// With a password the account is active at once; without one an invitation is sent by email. Callers without
/// `identity.role.assign` can create only experts and customers. No caller can grant a role with more permissions than their own.
/// Setting a password, and granting a role that manages people, require recent authentication and are not open to API keys.
#[utoipa::path(post, path = "/users", responses((status = 201, body = User, description = "The created user.", headers(
    ("Location" = String, description = "URL of the user."),
    ("Idempotent-Replayed" = Option<String>, description = "`true` if this is the response to an earlier request with the same key."),
))))]
pub(crate) async fn create_user(
    State(app): State<App>,
    caller: Caller<UserCreate>,
    body: Idempotent<CreateUser>,
) -> Result<Response> {
    if body.body().password.is_some() {
        caller.require_recent_authentication(app.state.clock().now())?;
    }
    let (name, password_hash) = hash_password(&app, &caller, body.body()).await?;
    let (mut unit, body, pending) = match body.begin(&app, &caller).await? {
        Attempt::First(unit, body, pending) => (unit, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let user = insert(&mut unit, &caller, &body, &name, password_hash.as_deref()).await?;
    if password_hash.is_some() {
        unit.publish(user.version, UserActivated { user_id: user.id })
            .await?;
    } else {
        one_time_link::send_invitation(&app, &mut unit, user.id, user.version).await?;
    }
    let entry = audit::Entry::new("identity.user.created", "user", user.id)
        .change("email", Value::Null, mask::email(&user.email))
        .change("role", Value::Null, user.role.as_str())
        .change("status", Value::Null, user.status.as_str());
    unit.audit(entry).await?;
    let location = format!("/api/v1/users/{}", user.id);
    // Unmasked, because the caller has just provided the values.
    let resource = User::from_row(user, true);
    pending.created(unit, Created { location, resource }).await
}

/// Validates and hashes before the transaction begins, so that no transaction waits for a hash.
async fn hash_password(
    app: &App,
    caller: &Caller<UserCreate>,
    body: &CreateUser,
) -> Result<(Name, Option<String>)> {
    let name = Name::new(
        body.given_name.clone(),
        body.family_name.clone(),
        body.name.clone(),
    )
    .map_err(Problem::invalid)?;
    let Some(password) = &body.password else {
        return Ok((name, None));
    };
    let owner = Owner {
        email: body.email.as_str(),
        given_name: &name.given,
        family_name: &name.family,
    };
    let min_length = tenant_rules::min_password_length(&caller.tenant);
    password::check(password, owner, min_length)
        .map_err(|code| Problem::field("/password", code))?;
    let hash = app.hasher.hash(password.expose()).await?;
    Ok((name, Some(hash)))
}

async fn insert(
    tx: &mut TenantTx,
    caller: &Caller<UserCreate>,
    body: &CreateUser,
    name: &Name,
    password_hash: Option<&str>,
) -> Result<UserRow> {
    let roles = roles::list_roles(tx).await?;
    let role = rules::find_role(
        &roles,
        body.role.as_ref().map_or("customer", SingleLine::as_str),
    )?;
    rules::check_authority(caller, role)?;
    if rules::manages_people(role) {
        caller.require_recent_authentication(tx.now())?;
    }
    seats::lock_people(tx).await?;
    rules::check_seats(tx).await?;
    let phone = body.phone.clone().map(Phone::into_string);
    let new = NewUser {
        id: UserId::at(tx.now()),
        role_id: role.id,
        email: body.email.as_str(),
        name,
        password_hash,
        locale: body
            .locale
            .as_ref()
            .map_or(&caller.tenant.locale, |locale| locale.as_str()),
        time_zone: body
            .time_zone
            .as_ref()
            .map_or(&caller.tenant.time_zone, |zone| zone.as_str()),
        phone: phone.as_deref(),
    };
    users::insert_user(tx, &new).await.map_err(email_conflict)?;
    users::find_user(tx, Reach::All, new.id, false)
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}

/// Maps the unique constraint on the email address, which disabled users count towards too.
pub(crate) fn email_conflict(error: DbError) -> Problem {
    if error.is_constraint("users_email_key") {
        EMAIL_TAKEN.problem()
    } else {
        error.into()
    }
}
