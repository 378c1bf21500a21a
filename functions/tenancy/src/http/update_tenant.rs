//! Changing a tenant's master data.

use access::{Caller, Permission, audit, mask};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::Announcement;
use ids::TenantId;
use serde_json::json;
use web::{
    Email, Fetched, IfMatch, Line, PathIds, TimeZone, ValidJson,
    body::{Change, Int},
    fields::Locale,
    problem::{self, Result},
};

use super::{licensing, tenants::Tenant, visit};
use crate::{
    App,
    domain::{
        host_name::HostName,
        license::{self, Content, LicenseType},
    },
    events::TENANT_UPDATED,
    permissions::{LicenseUpdate, TenantUpdate},
    store::{
        directory, licenses,
        tenants::{self, TenantRow},
    },
};

web::body! {
    /// Master data to change; what is not named stays. `domain`, `max_users` and `license_type` are agreed with the platform:
    /// they need the permission `tenancy.license.update`, which only its staff has.
    pub struct UpdateTenant {
        /// Its name.
        pub name: Change<Line<1, 200>>,
        /// How to reach it.
        pub email: Change<Email>,
        /// The language of everybody who chose none.
        pub locale: Change<Locale>,
        /// Its IANA time zone.
        pub time_zone: Change<TimeZone>,
        /// Where its own frontend is; `null` when it has none. Needs `tenancy.license.update`.
        pub domain: Change<Option<HostName>>,
        /// How many people its licence seats. Needs `tenancy.license.update`.
        pub max_users: Change<Int<1, 1_000_000>>,
        /// The plan of its licence. Needs `tenancy.license.update`.
        pub license_type: Change<LicenseType>,
    }
    example { "name": "Muster AG", "time_zone": "Europe/Berlin" }
}

impl UpdateTenant {
    /// The fields named that are agreed with the platform.
    fn agreed(&self) -> Vec<&'static str> {
        [
            ("domain", self.domain.as_set().is_some()),
            ("max_users", self.max_users.as_set().is_some()),
            ("license_type", self.license_type.as_set().is_some()),
        ]
        .into_iter()
        .filter_map(|(field, named)| named.then_some(field))
        .collect()
    }

    fn apply(self, row: TenantRow) -> TenantRow {
        TenantRow {
            name: self.name.set().map_or(row.name, Line::into_string),
            email: self.email.set().map_or(row.email, Email::into_string),
            locale: self
                .locale
                .set()
                .map_or(row.locale, |locale| locale.as_str().to_owned()),
            time_zone: self
                .time_zone
                .set()
                .map_or(row.time_zone, |zone| zone.as_str().to_owned()),
            domain: self.domain.set().map_or(row.domain, |domain| {
                domain.map(|domain| domain.as_str().to_owned())
            }),
            max_users: self.max_users.set().map_or(row.max_users, Int::get),
            license_type: self.license_type.or(row.license_type),
            ..row
        }
    }
}

/// Changes a tenant's master data: admins their own, staff any. Another licence or number of seats supersedes the licence in
/// force.
#[utoipa::path(method(put, patch), path = "/tenants/{id}", responses((status = 200, description = "The tenant as it is now.", body = Tenant)))]
pub async fn update_tenant(
    State(app): State<App>,
    caller: Caller<TenantUpdate>,
    PathIds(id): PathIds<TenantId>,
    if_match: IfMatch,
    ValidJson { value: body, .. }: ValidJson<UpdateTenant>,
) -> Result<Fetched<Tenant>> {
    let now = app.gate.clock().now();
    let mut tx = visit::begin(&app, &caller, id).await?;
    let before = tenants::lock(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let agreed = body.agreed();
    if !agreed.is_empty() && caller.may::<LicenseUpdate>().is_none() {
        return Err(problem::FORBIDDEN
            .problem()
            .argument("permission", "tenancy.license.update")
            .member("fields", json!(agreed)));
    }
    if_match.check(before.version)?;
    let mut after = body.apply(before.clone());
    let entry = differences(&before, &after);
    if !entry.has_changes() {
        tx.commit().await?;
        return Ok(Fetched(after.into()));
    }
    after.version += 1;
    after.updated_at = now;
    if (after.license_type, after.max_users) != (before.license_type, before.max_users) {
        supersede_license(&mut tx, &mut after, now).await?;
    }
    tenants::update(&mut tx, &after).await?;
    directory::update(&mut tx, &after).await?;
    announce_update(&mut tx, &caller, &after, &entry.changed()).await?;
    audit::record(
        &mut tx,
        caller.request(),
        now,
        caller.reason.as_deref(),
        entry,
    )
    .await?;
    tx.commit().await?;
    app.gate.forget_tenant(id).await;
    Ok(Fetched(after.into()))
}

/// Puts another licence into force because plan or seats differ. Limits that were agreed stay as long as the plan does, and
/// it ends when the one before would have.
async fn supersede_license(
    tx: &mut TenantTx,
    row: &mut TenantRow,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut present = licenses::list(tx).await?;
    let to = license::usual_end(&present, now);
    let content = license::predecessor(&present, now).map_or_else(
        || Content::of_plan(row.license_type, row.max_users),
        |base| base.content.clone().under(row.license_type),
    );
    let content = Content {
        seats: row.max_users,
        ..content
    };
    licensing::supersede(tx, &mut present, licensing::agree(content, now, to, now)).await?;
    licensing::mirror(tx, row, now).await
}

/// What changed, for the log; mail addresses masked.
fn differences(before: &TenantRow, after: &TenantRow) -> audit::Entry {
    let entry = audit::Entry::new("tenancy.tenant.updated", "tenant", after.id)
        .change("name", before.name.as_str(), after.name.as_str())
        .change("locale", before.locale.as_str(), after.locale.as_str())
        .change(
            "time_zone",
            before.time_zone.as_str(),
            after.time_zone.as_str(),
        )
        .change("domain", before.domain.clone(), after.domain.clone())
        .change("max_users", before.max_users, after.max_users)
        .change(
            "license_type",
            before.license_type.as_str(),
            after.license_type.as_str(),
        );
    if before.email == after.email {
        return entry;
    }
    // Two addresses may look alike behind the mask and still differ.
    let (old, new) = (mask::email(&before.email), mask::email(&after.email));
    if old == new {
        entry.change("email", old, format!("{new} (another)"))
    } else {
        entry.change("email", old, new)
    }
}

/// Tells the others which fields of a tenant changed.
pub(super) async fn announce_update<P: Permission>(
    tx: &mut TenantTx,
    caller: &Caller<P>,
    tenant: &TenantRow,
    changed: &[String],
) -> Result<()> {
    let announcement = Announcement {
        kind: &TENANT_UPDATED,
        subject: format!("tenant/{}", tenant.id),
        version: tenant.version.into(),
        data: json!({"tenant_id": tenant.id, "changed": changed}),
        sealed: None,
    };
    events::announce(tx, caller.request(), tenant.updated_at, announcement).await?;
    Ok(())
}
