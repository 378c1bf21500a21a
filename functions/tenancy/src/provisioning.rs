//! The steps of creating a tenant, all in the transaction that the handler has bound to the new tenant.

use access::{Caller, Purpose, audit, opaque::Opaque};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::Announcement;
use ids::{OneTimeTokenId, UserId};
use serde_json::{Map, json};
use web::{Problem, RequestInfo, problem::Result};

use crate::{
    App,
    domain::{flags::FlagChoices, license::LicenseTerms, projection, provisioning::INVITATION_TTL},
    events::{TENANT_CREATED, on_behalf_of_identity::USER_INVITED},
    licensing,
    permissions::TenantCreate,
    store::{
        directory, flags as stored_flags, platform_settings,
        roles::{self, AdminInvitation},
        settings_overrides::{Overrides, settings_json},
        tenants::{self, TenantRow},
    },
};

/// The first admin, who is invited.
pub(crate) struct FirstAdmin {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) given_name: String,
    pub(crate) family_name: String,
    pub(crate) locale: String,
}

/// Inserts the rows of the tenant itself.
pub(crate) async fn provision_tenant(
    tx: &mut TenantTx,
    row: &TenantRow,
    features: &FlagChoices,
) -> db::Result<()> {
    let states = features.states();
    let settings = Overrides::of(Map::new(), &row.locale);
    let platform = platform_settings::list_platform_settings(tx).await?;
    let settings = settings_json(&settings.in_force(&platform).unwrap_or_default());
    directory::insert_tenant(tx, row, settings).await?;
    tenants::insert_tenant(tx, row).await?;
    stored_flags::upsert_flags(tx, &states, row.created_at).await?;
    let terms = LicenseTerms::of_plan(row.license_type, row.max_users);
    let license = licensing::new_license(terms, row.created_at, None, row.created_at);
    licensing::supersede(tx, &mut Vec::new(), license.clone()).await?;
    let projection = projection::project(
        row.id,
        row.license_type,
        &[license],
        &states,
        row.created_at,
    );
    directory::update_entitlements(tx, row, projection).await
}

/// Creates the roles and the first admin, and publishes the invitation. The one-time token in it is encrypted.
pub(crate) async fn invite_first_admin(
    app: &App,
    tx: &mut TenantTx,
    request: &RequestInfo,
    row: &TenantRow,
    admin: &FirstAdmin,
    now: DateTime<Utc>,
) -> Result<()> {
    let token = Opaque::generate(row.id, OneTimeTokenId::at(now));
    let first = AdminInvitation {
        id: admin.id,
        email: &admin.email,
        given_name: &admin.given_name,
        family_name: &admin.family_name,
        locale: &admin.locale,
        time_zone: &row.time_zone,
        token: token.row,
        token_hash: token.hash(),
        token_expires_at: now + INVITATION_TTL,
    };
    roles::provision_tenant(tx, &first, now).await?;
    let sealed = app
        .state
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

/// Publishes that the tenant was created.
pub(crate) async fn announce_tenant(
    tx: &mut TenantTx,
    request: &RequestInfo,
    row: &TenantRow,
) -> Result<()> {
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

/// Records the creation. Called for the new tenant's audit log and for that of the staff's own tenant.
pub(crate) async fn record_creation(
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
