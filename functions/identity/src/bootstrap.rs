//! Creates the first superadmin.

mod invitation;

pub use invitation::{command, invite_superadmin};

use access::{AppState, REVALENZ, audit};
use axum::extract::FromRequestParts;
use db::{Actor, Db, DbError};
use ids::UserId;
use web::{Email, RequestInfo};

use crate::{
    domain::{
        name::Name,
        password_hash::{HashError, Hasher, PasswordCheck},
    },
    store::{
        accounts, roles, seats,
        sessions::{self, EndReason},
        users::{self, NewUser},
    },
};

/// Why the superadmin could not be created.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// A database error.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The password could not be hashed.
    #[error("{0}")]
    Password(String),
    /// The role `superadmin` is missing because the migrations have not run.
    #[error("the tenant revalenz has no role superadmin; run the migrations first")]
    NoRole,
    /// The email address belongs to an account that is not an active superadmin.
    #[error("this address belongs to an account that is disabled or not yet active")]
    Taken,
}

impl From<HashError> for BootstrapError {
    fn from(error: HashError) -> Self {
        Self::Password(error.to_string())
    }
}

/// Creates the superadmin, or sets the password of an existing one. Running it again with the same password changes nothing. `db`
/// must use this function's own login.
pub async fn superadmin(
    db: &Db,
    state: &AppState,
    email: &Email,
    given_name: &str,
    family_name: &str,
    password: &str,
) -> Result<UserId, BootstrapError> {
    let hasher = Hasher::new(1, 1);
    let mut tx = db.begin(REVALENZ, Actor::SYSTEM).await?;
    let account = accounts::find_account(&mut tx, email.as_str()).await?;
    tx.commit().await?;
    let stored = account
        .as_ref()
        .and_then(|account| account.password_hash.as_deref());
    let right = hasher.verify(password, stored).await? != PasswordCheck::Incorrect;
    match account {
        Some(account) if right => Ok(account.id),
        Some(account) => set_password(db, state, account, &hasher.hash(password).await?).await,
        None => {
            let display = format!("{given_name} {family_name}").trim().to_owned();
            let name = Name {
                given: given_name.to_owned(),
                family: family_name.to_owned(),
                display,
            };
            insert(db, state, email, &name, &hasher.hash(password).await?).await
        }
    }
}

async fn set_password(
    db: &Db,
    state: &AppState,
    account: accounts::Account,
    hash: &str,
) -> Result<UserId, BootstrapError> {
    if account.status != crate::domain::status::UserStatus::Active {
        return Err(BootstrapError::Taken);
    }
    let now = state.clock().now();
    let mut tx = db.begin(REVALENZ, Actor::SYSTEM).await?;
    accounts::set_password(&mut tx, account.id, hash, now).await?;
    sessions::end_sessions(&mut tx, account.id, None, EndReason::PasswordChanged, now).await?;
    let entry = audit::Entry::new("identity.user.password_set", "user", account.id);
    audit::record(&mut tx, &empty_request_info().await, now, None, entry).await?;
    tx.commit().await?;
    state.authenticator().invalidate_people();
    Ok(account.id)
}

async fn insert(
    db: &Db,
    state: &AppState,
    email: &Email,
    name: &Name,
    hash: &str,
) -> Result<UserId, BootstrapError> {
    let now = state.clock().now();
    let mut tx = db.begin(REVALENZ, Actor::SYSTEM).await?;
    seats::lock_people(&mut tx).await?;
    let roles = roles::list_roles(&mut tx).await?;
    let role = roles
        .iter()
        .find(|role| role.built_in && role.base_role == "superadmin")
        .ok_or(BootstrapError::NoRole)?;
    let new = NewUser {
        id: UserId::at(now),
        role_id: role.id,
        email: email.as_str(),
        name,
        password_hash: Some(hash),
        locale: "de",
        time_zone: "Europe/Berlin",
        phone: None,
    };
    users::insert_user(&mut tx, &new, now).await?;
    let entry = audit::Entry::new("identity.user.created", "user", new.id);
    audit::record(&mut tx, &empty_request_info().await, now, None, entry).await?;
    tx.commit().await?;
    Ok(new.id)
}

/// Request data for audit entries without a request.
async fn empty_request_info() -> RequestInfo {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    let Ok(info) = RequestInfo::from_request_parts(&mut parts, &()).await;
    info
}
