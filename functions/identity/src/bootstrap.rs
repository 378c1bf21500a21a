//! Creates the first superadmin.

mod invitation;

pub use invitation::{command, invite_superadmin};

use access::{AppState, REVALENZ, audit};
use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use db::{Actor, Db, DbError, TenantTx};
use events::UnitOfWork;
use ids::{RoleId, UserId};
use web::{Clock, Email, Problem, RequestInfo};

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
    /// The change could not be committed; the cause is in the log.
    #[error("the change could not be committed: {0}")]
    NotCommitted(&'static str),
}

impl From<Problem> for BootstrapError {
    fn from(problem: Problem) -> Self {
        Self::NotCommitted(problem.kind().code)
    }
}

impl From<HashError> for BootstrapError {
    fn from(error: HashError) -> Self {
        Self::Password(error.to_string())
    }
}

/// Whether the platform's own tenant has an account with this address. `db` must use this function's own login.
pub async fn exists(db: &Db, clock: &Clock, email: &Email) -> Result<bool, BootstrapError> {
    let mut tx = db
        .begin_read_only(REVALENZ, Actor::SYSTEM, clock.now())
        .await?;
    let account = accounts::find_account(&mut tx, email.as_str()).await?;
    tx.commit().await?;
    Ok(account.is_some())
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
    let mut tx = db
        .begin_read_only(REVALENZ, Actor::SYSTEM, state.clock().now())
        .await?;
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
    let mut unit = begin(db, state.clock().now()).await?;
    accounts::set_password(&mut unit, account.id, hash).await?;
    sessions::end_sessions(&mut unit, account.id, None, EndReason::PasswordChanged).await?;
    let entry = audit::Entry::new("identity.user.password_set", "user", account.id);
    unit.audit(entry).await?;
    unit.commit().await?;
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
    let mut unit = begin(db, now).await?;
    let role_id = lock_superadmin_role(&mut unit).await?;
    let new = NewUser {
        id: UserId::at(now),
        role_id,
        email: email.as_str(),
        name,
        password_hash: Some(hash),
        locale: "de",
        time_zone: "Europe/Berlin",
        phone: None,
    };
    users::insert_user(&mut unit, &new).await?;
    let entry = audit::Entry::new("identity.user.created", "user", new.id);
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(new.id)
}

/// Begins a change in the platform's own tenant.
async fn begin(db: &Db, now: DateTime<Utc>) -> Result<UnitOfWork, BootstrapError> {
    let tx = db.begin(REVALENZ, Actor::SYSTEM, now).await?;
    Ok(UnitOfWork::from_transaction(
        tx,
        &empty_request_info().await,
    ))
}

/// Finds the role of superadmins, and locks the list of users.
async fn lock_superadmin_role(tx: &mut TenantTx) -> Result<RoleId, BootstrapError> {
    seats::lock_people(tx).await?;
    let roles = roles::list_roles(tx).await?;
    let role = roles
        .iter()
        .find(|role| role.built_in && role.base_role == "superadmin")
        .ok_or(BootstrapError::NoRole)?;
    Ok(role.id)
}

/// Request data for audit entries without a request.
async fn empty_request_info() -> RequestInfo {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    let Ok(info) = RequestInfo::from_request_parts(&mut parts, &()).await;
    info
}
