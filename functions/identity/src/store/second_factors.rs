//! What second factors a person has, of all kinds.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::UserId;

use crate::domain::factor::MOST_FACTORS;

/// The factors of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SecondFactors {
    /// Whether there is an authenticator app.
    pub(crate) totp: bool,
    /// Passkeys that there are.
    pub(crate) passkeys: i64,
    /// Recovery codes that are left.
    pub(crate) recovery_codes: i64,
}

impl SecondFactors {
    /// Whether there is any; recovery codes only stand in for one.
    pub(crate) fn any(self) -> bool {
        self.totp || self.passkeys > 0
    }

    /// Whether there can be one more.
    pub(crate) fn full(self) -> bool {
        i64::from(self.totp) + self.passkeys >= MOST_FACTORS
    }
}

/// The factors of a person.
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

/// Tells every function whether the person has a factor.
pub(crate) async fn project_factors(
    tx: &mut TenantTx,
    user: UserId,
    any: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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
