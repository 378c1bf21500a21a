//! The steps of creating a tenant, all in the transaction that the handler has bound to the new tenant.

use access::{Purpose, audit, opaque::Opaque};
use db::TenantTx;
use events::UnitOfWork;
use ids::{OneTimeTokenId, UserId};
use serde_json::{Map, Value};
use web::{Problem, problem::Result};

use crate::{
    App,
    domain::{flags::FlagChoices, license::LicenseTerms, projection, provisioning::INVITATION_TTL},
    events::on_behalf_of_identity::UserInvited,
    licensing,
    store::{
        directory, flags as stored_flags, platform_settings,
        roles::{self, AdminInvitation},
        settings_overrides::Overrides,
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
    let settings = settings.in_force(&platform).into_json();
    directory::insert_tenant(tx, row, settings).await?;
    tenants::insert_tenant(tx, row).await?;
    stored_flags::upsert_flags(tx, &states).await?;
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
    unit: &mut UnitOfWork,
    row: &TenantRow,
    admin: &FirstAdmin,
) -> Result<()> {
    let now = unit.now();
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
    roles::provision_tenant(unit, &first).await?;
    let sealed = app
        .state
        .keyring()
        .seal(
            Purpose::Notifications,
            row.id.uuid().as_bytes(),
            token.to_text().as_bytes(),
        )
        .map_err(Problem::internal)?;
    let event = UserInvited {
        user_id: admin.id,
        one_time_token_id: token.row,
        purpose: "invite".to_owned(),
    };
    unit.publish_sealed(1, event, sealed).await?;
    Ok(())
}

/// The entry about the creation, for the new tenant's audit log and for that of the staff's own tenant.
pub(crate) fn creation_entry(row: &TenantRow) -> audit::Entry {
    audit::Entry::new("tenancy.tenant.created", "tenant", row.id)
        .change("slug", Value::Null, row.slug.as_str())
        .change("status", Value::Null, row.status.as_str())
        .change("license_type", Value::Null, row.license_type.as_str())
        .change("max_users", Value::Null, row.max_users)
}
