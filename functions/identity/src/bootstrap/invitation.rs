//! Invites the first superadmin by a link on the command line.

use access::{REVALENZ, audit, opaque::Opaque, process};
use chrono::TimeDelta;
use db::{Db, TenantTx};
use ids::{OneTimeToken, OneTimeTokenId, UserId};
use web::{Clock, Email, settings};

use super::{BootstrapError, begin, lock_superadmin_role};
use crate::{
    domain::{name::Name, status::UserStatus},
    store::{
        accounts,
        one_time_tokens::{self, NewToken, TokenPurpose},
        users::{self, NewUser},
    },
};

/// Validity of the link.
const LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// `identity bootstrap-superadmin ADDRESS`: runs with the settings of the function, so only the operator can run it.
pub async fn command(address: &str) -> Result<String, Box<dyn std::error::Error>> {
    let settings = process::Settings::read(&settings::environment)?;
    let email =
        Email::parse(address).map_err(|_| format!("{address} is not a valid email address"))?;
    let db = Db::connect_lazy(settings.database_url.expose(), 1)?;
    let link = invite_superadmin(&db, &Clock::system(), &settings.public_url, &email).await?;
    db.close().await;
    Ok(link)
}

/// Creates an invited superadmin, or a new link for one who has not accepted yet, and voids the previous link. `db` must use this
/// function's own login.
pub async fn invite_superadmin(
    db: &Db,
    clock: &Clock,
    public_url: &str,
    email: &Email,
) -> Result<String, BootstrapError> {
    let mut unit = begin(db, clock.now()).await?;
    let now = unit.now();
    let role_id = lock_superadmin_role(&mut unit).await?;
    let user = match accounts::find_account(&mut unit, email.as_str()).await? {
        Some(account) if account.status == UserStatus::Invited => account.id,
        Some(_) => return Err(BootstrapError::Taken),
        None => insert_invited(&mut unit, role_id, email).await?,
    };
    one_time_tokens::void_tokens(&mut unit, user).await?;
    let token = Opaque::<OneTimeToken>::generate(REVALENZ, OneTimeTokenId::at(now));
    let new = NewToken {
        user,
        purpose: TokenPurpose::Invite,
        password_hash: None,
        email: None,
        binding: None,
    };
    one_time_tokens::insert_token(&mut unit, &token, &new, now + LINK_LIFETIME).await?;
    let entry = audit::Entry::new("identity.user.invited", "user", user);
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(format!(
        "{public_url}/accept-invite#token={}",
        token.to_text()
    ))
}

async fn insert_invited(
    tx: &mut TenantTx,
    role_id: ids::RoleId,
    email: &Email,
) -> db::Result<UserId> {
    let (given, _) = email.as_str().split_once('@').unwrap_or_default();
    let name = Name {
        given: given.to_owned(),
        family: String::new(),
        display: given.to_owned(),
    };
    let new = NewUser {
        id: UserId::at(tx.now()),
        role_id,
        email: email.as_str(),
        name: &name,
        password_hash: None,
        locale: "de",
        time_zone: "Europe/Berlin",
        phone: None,
    };
    users::insert_user(tx, &new).await?;
    Ok(new.id)
}
