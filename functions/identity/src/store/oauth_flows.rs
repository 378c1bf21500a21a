//! Sign-ins with a provider, from the moment its response arrives.

use crate::ids::OauthFlow;
use crate::ids::OauthFlowId;
use access::opaque::{Opaque, sha256};
use chrono::{DateTime, TimeDelta, Utc};
use db::{Result, TenantTx};
use ids::UserId;

/// How long a row is kept: longer than its cookie, so that a `state` can never be used twice.
const FLOW_RETENTION: TimeDelta = TimeDelta::hours(1);

/// A code to store.
#[derive(Debug)]
pub(crate) struct NewCode<'a> {
    pub(crate) token: &'a Opaque<OauthFlow>,
    pub(crate) user: UserId,
    /// The hash of the verifier that the page must present with the code.
    pub(crate) challenge: Option<&'a [u8]>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// An identity at a provider.
#[derive(Debug)]
pub(crate) struct IssuedIdentity<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) email: Option<&'a str>,
}

/// A redeemed code that links an identity.
#[derive(Debug)]
pub(crate) struct PendingLink {
    pub(crate) provider: String,
    pub(crate) issuer: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) email: Option<String>,
}

/// Uses the `state`. Only one of several concurrent attempts gets `true`.
pub(crate) async fn begin_flow(
    tx: &mut TenantTx,
    flow: OauthFlowId,
    provider: &str,
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    // Deletes old rows in passing, skipping those that another transaction is deleting.
    sqlx::query!(
        "delete from identity.oauth_flows
        where tenant_id = $1 and oauth_flow_id in (
            select oauth_flow_id
            from identity.oauth_flows
            where tenant_id = $1 and created_at < $2
            order by created_at
            limit 100
            for update skip locked
        )",
        tenant as _,
        now - FLOW_RETENTION,
    )
    .execute(tx.conn())
    .await?;
    let begun = sqlx::query!(
        "insert into identity.oauth_flows (tenant_id, oauth_flow_id, provider, created_at)
        values ($1, $2, $3, $4)
        on conflict do nothing",
        tenant as _,
        flow as _,
        provider,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Stores a code that signs in, or with `linking` one that links that subject.
pub(crate) async fn store_code(
    tx: &mut TenantTx,
    code: &NewCode<'_>,
    linking: Option<&IssuedIdentity<'_>>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update identity.oauth_flows
        set user_id = $3, code_hash = $4, challenge = $5, expires_at = $6,
            linking = $7, issuer = $8, subject = $9, email = $10
        where tenant_id = $1 and oauth_flow_id = $2 and code_hash is null",
        tenant as _,
        code.token.row as _,
        code.user as _,
        &code.token.hash(),
        code.challenge,
        code.expires_at,
        linking.is_some(),
        linking.map(|subject| subject.issuer),
        linking.map(|subject| subject.subject),
        linking.and_then(|subject| subject.email),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Uses a code that signs in. Only one of several concurrent attempts gets the user.
pub(crate) async fn redeem_sign_in(
    tx: &mut TenantTx,
    token: &Opaque<OauthFlow>,
    verifier: Option<&str>,
) -> Result<Option<UserId>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let challenge = verifier.map(|verifier| sha256(verifier.as_bytes()).to_vec());
    Ok(sqlx::query_scalar!(
        r#"update identity.oauth_flows
        set redeemed_at = $5
        where tenant_id = $1 and oauth_flow_id = $2 and code_hash = $3 and challenge is not distinct from $4
            and not linking and redeemed_at is null and expires_at > $5
        returning user_id as "user_id!: UserId""#,
        tenant as _,
        token.row as _,
        &token.hash(),
        challenge,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Uses a code that links, if it was issued to this user.
pub(crate) async fn redeem_link(
    tx: &mut TenantTx,
    token: &Opaque<OauthFlow>,
    user: UserId,
) -> Result<Option<PendingLink>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        PendingLink,
        "update identity.oauth_flows
        set redeemed_at = $5
        where tenant_id = $1 and oauth_flow_id = $2 and code_hash = $3 and user_id = $4
            and linking and redeemed_at is null and expires_at > $5
        returning provider, issuer, subject, email",
        tenant as _,
        token.row as _,
        &token.hash(),
        user as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}
