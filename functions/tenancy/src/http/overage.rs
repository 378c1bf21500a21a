//! The effect of a licence on what a tenant has and uses. Nothing is deleted; only further use is blocked.

use access::usage::Metric;
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use web::problem::Result;

use crate::{
    domain::{
        flags::{self, Flag},
        license::{self, Enforcement, License},
        month::Month,
        projection,
    },
    store::{flags as stored_flags, seats, tenants::TenantRow, usage},
};

/// How many users a preview lists.
const MAX_REMOVAL_CANDIDATES: i64 = 200;

/// The effect of a licence once it is in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "seats": {"limit": 2, "taken": 3, "over": 1, "first_to_go": [
        {"id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "name": "Erika Muster", "role": "customer", "status": "invited"}
    ]},
    "limits": [{"metric": "storage_bytes", "limit": 1000, "used": 1200, "over": 200, "enforcement": "hard"}],
    "features_lost": ["ai"]
}))]
pub(crate) struct LicenseEffect {
    /// The effect on seats.
    pub(crate) seats: SeatEffect,
    /// The effect on metered limits.
    pub(crate) limits: Vec<LimitEffect>,
    /// Features that are on and would be switched off.
    pub(crate) features_lost: Vec<Flag>,
}

/// The effect on seats.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SeatEffect {
    /// The number of seats in the licence.
    pub(crate) limit: i32,
    /// The number of seats in use now, including invitations.
    pub(crate) taken: i64,
    /// How many seats too many are in use. Existing users stay, but no one can be added.
    pub(crate) over: i64,
    /// Suggestions whom to disable to get below the limit, at most 200: invitations first, then the newest users,
    /// admins last.
    pub(crate) first_to_go: Vec<SeatHolder>,
}

/// A user who takes a seat.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SeatHolder {
    /// The ID of the user.
    pub(crate) id: UserId,
    /// The name of the user.
    pub(crate) name: String,
    /// The name of the user's role.
    pub(crate) role: String,
    /// `invited`, `active` or `locked`.
    pub(crate) status: String,
}

/// The effect on a metered limit.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct LimitEffect {
    /// The metric.
    pub(crate) metric: Metric,
    /// The limit.
    pub(crate) limit: i64,
    /// What is stored now, or was used in this month.
    pub(crate) used: i64,
    /// How much the usage exceeds the limit.
    pub(crate) over: i64,
    /// Whether further use is refused, or counted with a warning.
    pub(crate) enforcement: Enforcement,
}

/// Compares the licences `after` with those `before` from `from` on, and with what the tenant uses now.
pub(crate) async fn effect(
    tx: &mut TenantTx,
    row: &TenantRow,
    before: &[License],
    after: &[License],
    from: DateTime<Utc>,
) -> Result<LicenseEffect> {
    let states = flags::with_defaults(&stored_flags::list_flags(tx).await?);
    let on = |licenses: &[License]| -> Vec<Flag> {
        let licensed = projection::licensed_features(licenses, row.license_type, from);
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
    let terms = license::in_force(after, from).map(|license| &license.terms);
    let limit = terms.map_or(row.max_users, |terms| terms.seats);
    let taken = seats::count_seats_taken(tx).await?;
    let over = (taken - i64::from(limit)).max(0);
    let holders = seats::list_removal_candidates(tx, over.min(MAX_REMOVAL_CANDIDATES)).await?;
    let month = Month::of(tx.now());
    let used = usage::sum_usage(tx, month.first_day()).await?;
    let limits = Metric::all().filter_map(|metric| {
        let terms = terms?;
        let limit = terms.limit(metric)?;
        let used = used.total(metric, month);
        Some(LimitEffect {
            metric,
            limit,
            used,
            over: (used - limit).max(0),
            enforcement: terms.enforcement(metric),
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
