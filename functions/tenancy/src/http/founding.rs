//! The steps of founding a tenant, each in the transaction that [`create_tenant`](super::create_tenant) has turned to it.

use access::{Caller, Purpose, TenantStatus, audit, opaque::Opaque};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::Announcement;
use ids::{OneTimeTokenId, TenantId, UserId};
use serde_json::{Map, json};
use web::{Problem, RequestInfo, body::Int, problem::Result};

use super::{create_tenant::CreateTenant, licensing};
use crate::{
    App,
    domain::{
        currency::Currency,
        flags::FlagChoices,
        founding::{FirstStatus, INVITATION},
        license::{Content, LicenseType},
        mirror,
        settings::{DEFAULT_LOCALE, Overrides},
    },
    events::{TENANT_CREATED, on_behalf_of_identity::USER_INVITED},
    permissions::TenantCreate,
    store::{
        directory, flags as stored_flags, platform_settings,
        roles::{self, FirstAdmin},
        tenants::{self, TenantRow},
    },
};

/// Whom the invitation is for.
pub struct Invitee {
    pub id: UserId,
    pub email: String,
    pub given_name: String,
    pub family_name: String,
    pub locale: String,
}

/// The rows that a request asks for.
pub fn rows(body: CreateTenant, now: DateTime<Utc>) -> (TenantRow, Invitee) {
    let locale = body
        .locale
        .map_or_else(|| DEFAULT_LOCALE.to_owned(), |l| l.as_str().to_owned());
    let admin = Invitee {
        id: UserId::at(now),
        email: body.admin.email.into_string(),
        given_name: body.admin.given_name.into_string(),
        family_name: body.admin.family_name.into_string(),
        locale: body
            .admin
            .locale
            .map_or_else(|| locale.clone(), |l| l.as_str().to_owned()),
    };
    let row = TenantRow {
        id: TenantId::at(now),
        slug: body.slug.as_str().to_owned(),
        name: body.name.into_string(),
        email: body.email.into_string(),
        domain: body.domain.map(|domain| domain.as_str().to_owned()),
        status: match body.status.unwrap_or(FirstStatus::Active) {
            FirstStatus::Trial => TenantStatus::Trial,
            FirstStatus::Active => TenantStatus::Active,
        },
        status_since: None,
        status_reason: None,
        closes_at: None,
        license_type: body.license_type.unwrap_or(LicenseType::Standard),
        max_users: body.max_users.map_or(25, Int::get),
        region: body
            .region
            .map_or_else(|| "eu".to_owned(), |r| r.as_str().to_owned()),
        locale,
        time_zone: body
            .time_zone
            .map_or_else(|| "Europe/Berlin".to_owned(), |z| z.as_str().to_owned()),
        currency: body
            .currency
            .unwrap_or_else(Currency::euro)
            .as_str()
            .to_owned(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    (row, admin)
}

/// The rows of the tenant itself.
pub async fn found(tx: &mut TenantTx, row: &TenantRow, features: &FlagChoices) -> db::Result<()> {
    let states = features.states();
    let settings = Overrides::of(Map::new(), &row.locale);
    let platform = platform_settings::list(tx).await?;
    let settings = settings.in_force(&platform).unwrap_or_default().mirror();
    directory::insert(tx, row, settings).await?;
    tenants::insert(tx, row).await?;
    stored_flags::set(tx, &states, row.created_at).await?;
    let content = Content::of_plan(row.license_type, row.max_users);
    let license = licensing::agree(content, row.created_at, None, row.created_at);
    licensing::supersede(tx, &mut Vec::new(), license.clone()).await?;
    let mirror = mirror::of(
        row.id,
        row.license_type,
        &[license],
        &states,
        row.created_at,
    );
    directory::mirror(tx, row, mirror).await
}

/// Roles, the admin, and the link by which the admin comes in, which travels sealed.
pub async fn invite(
    app: &App,
    tx: &mut TenantTx,
    request: &RequestInfo,
    row: &TenantRow,
    admin: &Invitee,
    now: DateTime<Utc>,
) -> Result<()> {
    let token = Opaque::generate(row.id, OneTimeTokenId::at(now));
    let first = FirstAdmin {
        id: admin.id,
        email: &admin.email,
        given_name: &admin.given_name,
        family_name: &admin.family_name,
        locale: &admin.locale,
        time_zone: &row.time_zone,
        token: token.row,
        token_hash: token.hash(),
        token_expires_at: now + INVITATION,
    };
    roles::provision(tx, &first, now).await?;
    let sealed = app
        .gate
        .keyring()
        .seal(
            Purpose::Notifications,
            row.id.uuid().as_bytes(),
            token.to_text().as_bytes(),
        )
        .map_err(Problem::internal)?;
    let announcement = Announcement {
        kind: &USER_INVITED,
        subject: format!("user/{}", admin.id),
        version: 1,
        data: json!({"user_id": admin.id, "one_time_token_id": token.row, "purpose": "invite"}),
        sealed: Some(sealed),
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}

/// Tells the others.
pub async fn announce(tx: &mut TenantTx, request: &RequestInfo, row: &TenantRow) -> Result<()> {
    let announcement = Announcement {
        kind: &TENANT_CREATED,
        subject: format!("tenant/{}", row.id),
        version: row.version.into(),
        data: json!({"tenant_id": row.id}),
        sealed: None,
    };
    events::announce(tx, request, row.created_at, announcement).await?;
    Ok(())
}

/// The same line in the new tenant's log and in that of the staff's own.
pub async fn record(
    tx: &mut TenantTx,
    caller: &Caller<TenantCreate>,
    row: &TenantRow,
) -> Result<()> {
    let nothing = serde_json::Value::Null;
    let entry = audit::Entry::new("tenancy.tenant.created", "tenant", row.id)
        .change("slug", nothing.clone(), row.slug.as_str())
        .change("status", nothing.clone(), row.status.as_str())
        .change("license_type", nothing.clone(), row.license_type.as_str())
        .change("max_users", nothing, row.max_users);
    let reason = caller.reason.as_deref();
    audit::record(tx, caller.request(), row.created_at, reason, entry).await?;
    Ok(())
}
