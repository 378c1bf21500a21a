//! What several stories do with licences: put another in the place of those there are, and mirror what follows.

use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::LicenseId;
use web::problem::Result;

use crate::{
    domain::{
        flags,
        license::{self, Content, License, Standing},
        mirror,
    },
    store::{directory, flags as stored_flags, licenses, tenants::TenantRow},
};

/// A licence that is agreed at `now`.
pub fn agree(
    content: Content,
    valid_from: DateTime<Utc>,
    valid_to: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> License {
    License {
        id: LicenseId::at(now),
        content,
        valid_from,
        valid_to,
        superseded_at: None,
        created_at: now,
    }
}

/// Puts `new` in the place of those whose time it takes.
pub async fn supersede(
    tx: &mut TenantTx,
    present: &mut Vec<License>,
    new: License,
) -> db::Result<()> {
    let gave_way = license::supersede(present, new.clone());
    licenses::give_way(tx, &gave_way).await?;
    licenses::insert(tx, &new).await
}

/// Mirrors what licences and flags say, for `access` and into the tenant's own row, which the caller stores.
pub async fn mirror(tx: &mut TenantTx, row: &mut TenantRow, now: DateTime<Utc>) -> Result<()> {
    let present = licenses::list(tx).await?;
    match license::standing(&present, now) {
        Standing::Licensed(license) => {
            row.license_type = license.content.plan;
            row.max_users = license.content.seats;
        }
        Standing::Ended => row.max_users = 0,
        Standing::Unlicensed => {}
    }
    let states = flags::complete(&stored_flags::list(tx).await?);
    let mirror = mirror::of(row.id, row.license_type, &present, &states, now);
    directory::mirror(tx, row, mirror).await?;
    Ok(())
}
