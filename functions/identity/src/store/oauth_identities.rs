//! Identities of users at OpenID Connect providers.

use crate::ids::OauthIdentityId;
use access::list::{IdType, Order, Source};
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::UserId;
use sqlx::FromRow;

use super::oauth_flows::IssuedIdentity;
use crate::domain::status::UserStatus;

/// A linked identity.
#[derive(Debug, FromRow)]
pub(crate) struct IdentityRow {
    pub(crate) id: OauthIdentityId,
    pub(crate) provider: String,
    pub(crate) email: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
}

/// The user who owns an identity.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) user: UserId,
    pub(crate) status: UserStatus,
}

/// What a provider knows of an account that it may be linked to.
#[derive(Debug)]
pub(crate) struct EarlierLinks {
    /// Whether the account has another identity of this issuer.
    pub(crate) has_other_subject: bool,
    /// Whether this identity was linked to some account, and unlinked.
    pub(crate) was_unlinked: bool,
}

/// An account with the email address that a provider has verified.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) user: UserId,
    pub(crate) status: UserStatus,
    pub(crate) has_password: bool,
    pub(crate) is_verified: bool,
}

/// Finds the owner of an identity.
pub(crate) async fn find_owner(
    tx: &mut TenantTx,
    issuer: &str,
    subject: &str,
) -> Result<Option<Owner>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Owner,
        r#"select u.user_id as "user: UserId", u.status as "status: UserStatus"
        from identity.oauth_identities i
        join identity.users u on u.tenant_id = i.tenant_id and u.user_id = i.user_id
        where i.tenant_id = $1 and i.issuer = $2 and i.subject = $3 and i.unlinked_at is null"#,
        tenant as _,
        issuer,
        subject,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Finds what speaks against linking an identity to a user by the email address alone.
pub(crate) async fn find_earlier_links(
    tx: &mut TenantTx,
    user: UserId,
    issuer: &str,
    subject: &str,
) -> Result<EarlierLinks> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        EarlierLinks,
        r#"select
            coalesce(bool_or(user_id = $2 and subject <> $4 and unlinked_at is null), false) as "has_other_subject!",
            coalesce(bool_or(subject = $4 and unlinked_at is not null), false) as "was_unlinked!"
        from identity.oauth_identities
        where tenant_id = $1 and issuer = $3"#,
        tenant as _,
        user as _,
        issuer,
        subject,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Finds and locks the account with this email address.
pub(crate) async fn lock_candidate(tx: &mut TenantTx, email: &str) -> Result<Option<Candidate>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Candidate,
        r#"select
            user_id as "user: UserId", status as "status: UserStatus", password_hash is not null as "has_password!",
            email_verified_at is not null as "is_verified!"
        from identity.users
        where tenant_id = $1 and email = $2
        for no key update"#,
        tenant as _,
        email,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Links an identity, for the first time or again. `false` if it is already linked.
pub(crate) async fn insert_identity(
    tx: &mut TenantTx,
    id: OauthIdentityId,
    user: UserId,
    provider: &str,
    subject: &IssuedIdentity<'_>,
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let inserted = sqlx::query!(
        "insert into identity.oauth_identities (tenant_id, oauth_identity_id, user_id, provider, issuer, subject, email, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (tenant_id, issuer, subject) do update
        set oauth_identity_id = excluded.oauth_identity_id, user_id = excluded.user_id, provider = excluded.provider,
            email = excluded.email, created_at = excluded.created_at, unlinked_at = null
        where oauth_identities.unlinked_at is not null",
        tenant as _,
        id as _,
        user as _,
        provider,
        subject.issuer,
        subject.subject,
        subject.email,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Activates an invited user whose email address was just verified by a provider, without a password.
pub(crate) async fn activate_verified_user(tx: &mut TenantTx, user: UserId) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update identity.users
        set status = 'active', email_verified_at = $3
        where tenant_id = $1 and user_id = $2 and status = 'invited'",
        tenant as _,
        user as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "update access.people
        set status = 'active', updated_at = $3
        where tenant_id = $1 and user_id = $2",
        tenant as _,
        user as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Linked identities; those that were unlinked are gone.
pub(crate) const IDENTITIES: Source = Source {
    name: "identities",
    columns: "i.oauth_identity_id as id, i.provider, i.email, i.created_at",
    from: "identity.oauth_identities i",
    tenant: "i.tenant_id",
    id: "i.oauth_identity_id",
    id_type: IdType::Uuid,
    changed_at: "greatest(i.created_at, i.unlinked_at)",
    version: "1",
    gone: "i.unlinked_at is not null",
};
pub(crate) const OLDEST_FIRST: Order = Order {
    keys: &[("i.created_at", "timestamptz")],
    descending: false,
};

/// Returns a user's identities, oldest first.
pub(crate) async fn list_identities(tx: &mut TenantTx, user: UserId) -> Result<Vec<IdentityRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        IdentityRow,
        r#"select oauth_identity_id as "id: OauthIdentityId", provider, email, created_at
        from identity.oauth_identities
        where tenant_id = $1 and user_id = $2 and unlinked_at is null
        order by created_at, oauth_identity_id"#,
        tenant as _,
        user as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Whether the user has a password. Exact under a lock on the user.
pub(crate) async fn has_password(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select password_hash is not null as "has_password!"
        from identity.users
        where tenant_id = $1 and user_id = $2"#,
        tenant as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.unwrap_or(false))
}

/// Unlinks an identity from its user.
pub(crate) async fn unlink_identity(
    tx: &mut TenantTx,
    user: UserId,
    id: OauthIdentityId,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update identity.oauth_identities
        set unlinked_at = $4, email = null
        where tenant_id = $1 and user_id = $2 and oauth_identity_id = $3 and unlinked_at is null",
        tenant as _,
        user as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
