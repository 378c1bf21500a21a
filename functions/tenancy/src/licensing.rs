//! Operations on licences that several handlers and jobs share.

use crate::ids::LicenseId;
use chrono::{DateTime, Utc};
use db::TenantTx;
use web::problem::Result;

use crate::{
    domain::{
        flags,
        license::{self, License, LicenseStatus, LicenseTerms},
        projection,
    },
    store::{directory, flags as stored_flags, licenses, tenants::TenantRow},
};

/// A licence that is agreed at `now`.
pub(crate) fn new_license(
    terms: LicenseTerms,
    valid_from: DateTime<Utc>,
    valid_to: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> License {
    License {
        id: LicenseId::at(now),
        terms,
        valid_from,
        valid_to,
        superseded_at: None,
        created_at: now,
    }
}

/// Stores `new` and the end of those that it supersedes.
pub(crate) async fn supersede(
    tx: &mut TenantTx,
    present: &mut Vec<License>,
    new: License,
) -> db::Result<()> {
    let superseded = license::supersede(present, new.clone());
    licenses::update_superseded_licenses(tx, &superseded).await?;
    licenses::insert_license(tx, &new).await
}

/// Projects licences and flags into `access` and into the tenant's own row, which the caller stores.
pub(crate) async fn update_projection(tx: &mut TenantTx, row: &mut TenantRow) -> Result<()> {
    let now = tx.now();
    let present = licenses::list_licenses(tx).await?;
    match license::license_status(&present, now) {
        LicenseStatus::InForce(license) => {
            row.license_type = license.terms.plan;
            row.max_users = license.terms.seats;
        }
        LicenseStatus::Expired => row.max_users = 0,
        LicenseStatus::Unlicensed => {}
    }
    let states = flags::with_defaults(&stored_flags::list_flags(tx).await?);
    let projection = projection::project(row.id, row.license_type, &present, &states, now);
    directory::update_entitlements(tx, row, projection).await?;
    Ok(())
}
