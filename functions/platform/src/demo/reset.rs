//! Resets the passwords of the demo when `demo.json` was lost or belongs to another database.

use access::opaque::Opaque;
use chrono::TimeDelta;
use http::Method;
use ids::{OneTimeToken, OneTimeTokenId, TenantId};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{Demo, client::ApiRequest, runner::Runner, script::TenantScript};
use crate::{Error, console, sign_ins::SignIns};

/// Checks that the tenant's admin can sign in with the password in the file; otherwise resets all passwords and the API key.
pub async fn ensure_sign_ins(
    demo: &Demo,
    script: &TenantScript,
    id: TenantId,
    sign_ins: &mut SignIns,
) -> Result<(), Error> {
    let mut client = demo.client(demo.clock.now())?;
    let mut runner = Runner::new(demo, &mut client, script, sign_ins.clone());
    let admin = sign_ins.account(&script.slug, "admin")?;
    let tenant = runner.tenant();
    let is_known = tenant.id == Some(id) && tenant.api_key.is_some();
    if is_known && runner.client.can_sign_in(&admin).await? {
        return runner.client.sign_out(&admin).await;
    }
    console::print_line(&format!(
        "  demo     new passwords for tenant {}: demo.json does not match the database",
        script.slug
    ));
    runner.tenant().clear_ids();
    runner.tenant().id = Some(id);
    let mut connection = demo.database.administrator().await?;
    for user in runner.tenant().users.clone().values() {
        let Some(token) = create_invitation(&mut connection, demo, id, &user.email).await? else {
            continue;
        };
        let body = json!({"token": token, "password": user.password});
        let request = ApiRequest::new(Method::POST, "/auth/invite/accept").json(&body);
        runner.client.call(None, request).await?.success()?;
    }
    for (_, step) in script.steps.iter().filter(|(_, step)| step.setup) {
        runner.run(step, None).await?;
    }
    *sign_ins = runner.sign_ins;
    Ok(())
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
