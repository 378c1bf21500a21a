//! Resets the passwords of the demo when `demo.json` was lost or belongs to another database.

use access::opaque::Opaque;
use chrono::TimeDelta;
use ids::{OneTimeToken, OneTimeTokenId, TenantId};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{Demo, fixtures::TenantPlan, users, users::TenantSetup};
use crate::{
    Error, console,
    sign_ins::{PEOPLE, Tenant},
};

/// Checks that the tenant's admin can sign in with the password in the file; otherwise resets all passwords and the API key.
pub async fn ensure_sign_ins(
    demo: &Demo,
    plan: TenantPlan,
    id: TenantId,
    tenant: &mut Tenant,
) -> Result<(), Error> {
    let mut client = demo.client(demo.clock.now())?;
    let admin = users::account_of(plan.slug, tenant, "admin")?;
    if tenant.id == Some(id) && tenant.api_key.is_some() && client.can_sign_in(&admin).await? {
        return client.sign_out(&admin).await;
    }
    console::print_line(&format!(
        "  demo     new passwords for tenant {}: demo.json does not match the database",
        plan.slug
    ));
    tenant.clear_ids();
    tenant.id = Some(id);
    let mut connection = demo.database.administrator().await?;
    for (person, _) in PEOPLE {
        let account = users::account_of(plan.slug, tenant, person)?;
        let Some(token) = create_invitation(&mut connection, demo, id, &account.email).await?
        else {
            continue;
        };
        let body = json!({"token": token, "password": account.password});
        client
            .post_anonymously("/auth/invite/accept", &body)
            .await?
            .success()?;
    }
    let mut setup = TenantSetup {
        plan,
        client: &mut client,
        database: &demo.database,
        keyring: &demo.keyring,
    };
    setup.ensure_users(tenant).await
}

/// Creates an invitation for an existing user; accepting it sets a password. No endpoint does this without credentials, so it
/// is written to the database directly.
async fn create_invitation(
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
