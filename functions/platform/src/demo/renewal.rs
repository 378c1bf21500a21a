//! New passwords where `demo.json` and the database do not know each other: the file was lost, or belongs to another
//! database.

use access::opaque::Opaque;
use chrono::TimeDelta;
use ids::{OneTimeToken, OneTimeTokenId, TenantId};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{Demo, cast, cast::Cast, corpus::TenantPlan};
use crate::{
    Error,
    sign_ins::{PEOPLE, Tenant},
    terminal,
};

/// Looks whether the tenant's admin can sign in with what the file says, and if not makes everything new but the data.
pub async fn renew(
    demo: &Demo,
    plan: TenantPlan,
    id: TenantId,
    tenant: &mut Tenant,
) -> Result<(), Error> {
    let mut world = demo.world(demo.clock.now())?;
    let admin = cast::account(plan.slug, tenant, "admin")?;
    if tenant.id == Some(id) && tenant.api_key.is_some() && world.can_sign_in(&admin).await? {
        return world.sign_out(&admin).await;
    }
    terminal::say(&format!(
        "  demo     new passwords for the tenant {}: demo.json did not know them",
        plan.slug
    ));
    tenant.forget();
    tenant.id = Some(id);
    let mut connection = demo.database.administrator().await?;
    for (person, _) in PEOPLE {
        let account = cast::account(plan.slug, tenant, person)?;
        let Some(token) = invite(&mut connection, demo, id, &account.email).await? else {
            continue;
        };
        let body = json!({"token": token, "password": account.password});
        world.ask("/auth/invite/accept", &body).await?.success()?;
    }
    let mut cast = Cast {
        plan,
        world: &mut world,
        database: &demo.database,
        keyring: &demo.keyring,
    };
    cast.introduce(tenant).await
}

/// An invitation for somebody who is there already: accepting it sets a password. No endpoint gives one to whoever stands
/// before the machine, so it is written by the administrator.
async fn invite(
    connection: &mut PgConnection,
    demo: &Demo,
    tenant: TenantId,
    email: &str,
) -> Result<Option<String>, Error> {
    let now = demo.clock.now();
    let token = Opaque::<OneTimeToken>::generate(tenant, OneTimeTokenId::at(now));
    let mut tx = connection.begin().await?;
    let user: Option<uuid::Uuid> = sqlx::query_scalar(
        "update identity.users
        set status = 'invited'
        where tenant_id = $1
            and email = $2
        returning user_id",
    )
    .bind(tenant)
    .bind(email)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(user) = user else {
        return Ok(None);
    };
    sqlx::query(
        "insert into identity.one_time_tokens (
            tenant_id, one_time_token_id, user_id, purpose, secret_hash, expires_at, created_at
        )
        values ($1, $2, $3, 'invite', $4, $5, $6)",
    )
    .bind(tenant)
    .bind(token.row)
    .bind(user)
    .bind(token.hash().to_vec())
    .bind(now + TimeDelta::minutes(5))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some(token.to_text()))
}
