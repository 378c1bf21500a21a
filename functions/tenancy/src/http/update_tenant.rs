//! Updates a tenant's master data.

use access::{Caller, audit, mask};
use axum::extract::State;
use db::TenantTx;
use ids::TenantId;
use serde_json::json;
use web::{
    Email, Fetched, IfMatch, PathIds, SingleLine, TimeZone, ValidJson,
    body::{Change, Int},
    fields::Locale,
    problem::{self, Result},
};

use super::{tenant_scope, tenants::Tenant};
use crate::{
    App,
    domain::{
        host_name::HostName,
        license::{self, LicenseTerms},
        license_type::LicenseType,
    },
    events::TenantUpdated,
    licensing,
    permissions::{LicenseUpdate, TenantUpdate},
    store::{
        directory, licenses,
        tenants::{self, TenantRow},
    },
};

web::body! {
    /// The master data to change. Fields that are not included stay unchanged. `domain`, `max_users` and `license_type`
    /// are agreed with the platform and require the permission `tenancy.license.update`, which only platform staff has.
    pub struct UpdateTenant {
        /// The name of the organisation.
        pub name: Change<SingleLine<1, 200>>,
        /// The contact email address.
        pub email: Change<Email>,
        /// The default language.
        pub locale: Change<Locale>,
        /// The IANA time zone.
        pub time_zone: Change<TimeZone>,
        /// The host of the tenant's own frontend. `null` removes it. Requires `tenancy.license.update`.
        pub domain: Change<Option<HostName>>,
        /// The number of seats. Requires `tenancy.license.update`.
        pub max_users: Change<Int<1, 1_000_000>>,
        /// The plan of the licence. Requires `tenancy.license.update`.
        pub license_type: Change<LicenseType>,
    }
    example { "name": "Muster AG", "time_zone": "Europe/Berlin" }
}

impl UpdateTenant {
    /// The included fields that are agreed with the platform.
    fn licensed_fields(&self) -> Vec<&'static str> {
        [
            ("domain", self.domain.as_set().is_some()),
            ("max_users", self.max_users.as_set().is_some()),
            ("license_type", self.license_type.as_set().is_some()),
        ]
        .into_iter()
        .filter_map(|(field, is_set)| is_set.then_some(field))
        .collect()
    }

    fn apply(self, row: TenantRow) -> TenantRow {
        TenantRow {
            name: self.name.set().map_or(row.name, SingleLine::into_string),
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

/// Update a tenant
///
/// Changes master data. Admins can update their own tenant, platform staff any tenant. A different plan or number of
/// seats supersedes the current licence.
#[utoipa::path(method(put, patch), path = "/tenants/{id}", responses((status = 200, description = "The updated tenant.", body = Tenant)))]
pub(crate) async fn update_tenant(
    State(app): State<App>,
    caller: Caller<TenantUpdate>,
    PathIds(id): PathIds<TenantId>,
    if_match: IfMatch,
    ValidJson { value: body, .. }: ValidJson<UpdateTenant>,
) -> Result<Fetched<Tenant>> {
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let before = tenants::lock_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let licensed = body.licensed_fields();
    if !licensed.is_empty() && caller.may::<LicenseUpdate>().is_none() {
        return Err(problem::FORBIDDEN
            .problem()
            .argument("permission", "tenancy.license.update")
            .member("fields", json!(licensed)));
    }
    if_match.check(before.version)?;
    let mut after = body.apply(before.clone());
    let entry = differences(&before, &after);
    if !entry.has_changes() {
        unit.commit_unchanged().await?;
        return Ok(Fetched(after.into()));
    }
    after.version += 1;
    after.updated_at = unit.now();
    if (after.license_type, after.max_users) != (before.license_type, before.max_users) {
        supersede_license(&mut unit, &mut after).await?;
    }
    tenants::update_tenant(&mut unit, &after).await?;
    directory::update_tenant(&mut unit, &after).await?;
    let event = TenantUpdated {
        tenant_id: id,
        changed: entry.changed(),
    };
    unit.publish(after.version, event).await?;
    unit.audit(entry).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_tenant(id).await;
    Ok(Fetched(after.into()))
}

/// Supersedes the licence because the plan or the seats have changed. Agreed limits stay while the plan does, and the
/// end stays the same.
async fn supersede_license(tx: &mut TenantTx, row: &mut TenantRow) -> Result<()> {
    let now = tx.now();
    let mut present = licenses::list_licenses(tx).await?;
    let to = license::default_end(&present, now);
    let terms = license::predecessor(&present, now).map_or_else(
        || LicenseTerms::of_plan(row.license_type, row.max_users),
        |base| base.terms.clone().with_plan(row.license_type),
    );
    let terms = LicenseTerms {
        seats: row.max_users,
        ..terms
    };
    licensing::supersede(
        tx,
        &mut present,
        licensing::new_license(terms, now, to, now),
    )
    .await?;
    licensing::update_projection(tx, row).await
}

/// The changed fields, for the audit log, with email addresses masked.
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
    // Two different addresses can look alike when masked.
    let (old, new) = (mask::email(&before.email), mask::email(&after.email));
    if old == new {
        entry.change("email", old, format!("{new} (another)"))
    } else {
        entry.change("email", old, new)
    }
}
