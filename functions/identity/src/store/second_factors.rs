//! The second factors of a user, of all types.

use db::{Result, TenantTx};
use ids::UserId;

use crate::domain::factor::MAX_FACTORS;

/// The second factors of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SecondFactors {
    /// Whether the user has an authenticator app.
    pub(crate) totp: bool,
    /// Number of passkeys.
    pub(crate) passkeys: i64,
    /// Number of unused recovery codes.
    pub(crate) recovery_codes: i64,
}

impl SecondFactors {
    /// Whether the user has a second factor. Recovery codes alone do not count.
    pub(crate) fn has_any(self) -> bool {
        self.totp || self.passkeys > 0
    }

    /// Whether the maximum number of factors is reached.
    pub(crate) fn is_full(self) -> bool {
        i64::from(self.totp) + self.passkeys >= MAX_FACTORS
    }
}

/// Finds the second factors of a user.
pub(crate) async fn find_factors(tx: &mut TenantTx, user: UserId) -> Result<SecondFactors> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        SecondFactors,
        r#"select
            exists (
                select from identity.mfa_totp
                where tenant_id = $1 and user_id = $2 and confirmed_at is not null
            ) as "totp!",
            (
                select count(*) from identity.passkeys
                where tenant_id = $1 and user_id = $2
            ) as "passkeys!",
            (
                select count(*) from identity.mfa_recovery_codes
                where tenant_id = $1 and user_id = $2 and used_at is null
            ) as "recovery_codes!""#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Updates the projection that tells other functions whether the user has a second factor.
pub(crate) async fn project_factors(tx: &mut TenantTx, user: UserId, any: bool) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update access.people
        set second_factor = $3, updated_at = $4
        where tenant_id = $1 and user_id = $2",
        tenant as _,
        user as _,
        any,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
