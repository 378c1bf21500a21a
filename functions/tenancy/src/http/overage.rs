//! What a licence would mean for what a tenant has and uses: who must go, what is too much, what goes dark. It deletes nobody
//! and nothing; it blocks what would be more.

use access::usage::{Metric, month_of};
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use web::problem::Result;

use super::license::enforcement;
use crate::{
    domain::{
        flags::{self, Flag},
        license::{self, License},
        mirror,
        month::Month,
        terms::Enforcement,
    },
    store::{flags as stored_flags, seats, tenants::TenantRow, usage},
};

/// How many people a preview names.
const MOST_NAMED: i64 = 200;

/// What a licence means from its beginning on.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "seats": {"limit": 2, "taken": 3, "over": 1, "first_to_go": [
        {"id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "name": "Erika Muster", "role": "customer", "status": "invited"}
    ]},
    "limits": [{"metric": "storage_bytes", "limit": 1000, "used": 1200, "over": 200, "enforcement": "hard"}],
    "features_lost": ["ai"]
}))]
pub struct LicenseEffect {
    /// Seats.
    pub seats: SeatEffect,
    /// Metered limits.
    pub limits: Vec<LimitEffect>,
    /// Contexts that are on and would no longer be.
    pub features_lost: Vec<Flag>,
}

/// What it means for seats.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeatEffect {
    /// Seats of the licence.
    pub limit: i32,
    /// Seats that are taken now, invitations among them.
    pub taken: i64,
    /// How many people are too many. They stay, and nobody can be added.
    pub over: i64,
    /// Whom to disable to get below the limit, the first 200 of them: invitations first, then who came last, admins at the end.
    pub first_to_go: Vec<SeatHolder>,
}

/// Somebody who takes a seat.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeatHolder {
    /// The user's identifier.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// The name of their role.
    pub role: String,
    /// `invited`, `active` or `locked`.
    pub status: String,
}

/// What it means for something that is metered.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct LimitEffect {
    /// Of what.
    pub metric: Metric,
    /// So much is allowed.
    pub limit: i64,
    /// So much is stored now, or was used in this month.
    pub used: i64,
    /// So much is too much.
    pub over: i64,
    /// Whether more is refused, or counted and told.
    pub enforcement: Enforcement,
}

/// Compares what `after` says from `from` on with what `before` would, and with what the tenant uses now.
pub async fn effect(
    tx: &mut TenantTx,
    row: &TenantRow,
    (before, after): (&[License], &[License]),
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<LicenseEffect> {
    let states = flags::complete(&stored_flags::list(tx).await?);
    let on = |licenses: &[License]| -> Vec<Flag> {
        let licensed = mirror::licensed(licenses, row.license_type, from);
        let on = states
            .iter()
            .filter(|state| state.is_on(row.id, licensed, from));
        on.map(|state| state.flag).collect()
    };
    let kept = on(after);
    let features_lost = on(before)
        .into_iter()
        .filter(|flag| !kept.contains(flag))
        .collect();
    let content = license::in_force(after, from).map(|license| &license.content);
    let limit = content.map_or(row.max_users, |content| content.seats);
    let taken = seats::count_taken(tx).await?;
    let over = (taken - i64::from(limit)).max(0);
    let holders = seats::list_first_to_go(tx, over.min(MOST_NAMED)).await?;
    let month = month_of(now);
    let used = usage::used(tx, month).await?;
    let limits = Metric::ALL.iter().filter_map(|metric| {
        let content = content?;
        let limit = content.limit(*metric)?;
        let used = used.of(*metric, Month::beginning(month));
        Some(LimitEffect {
            metric: *metric,
            limit,
            used,
            over: (used - limit).max(0),
            enforcement: enforcement(&content.soft, *metric),
        })
    });
    Ok(LicenseEffect {
        seats: SeatEffect {
            limit,
            taken,
            over,
            first_to_go: holders
                .into_iter()
                .map(|holder| SeatHolder {
                    id: holder.id,
                    name: holder.name,
                    role: holder.role,
                    status: holder.status,
                })
                .collect(),
        },
        limits: limits.collect(),
        features_lost,
    })
}
