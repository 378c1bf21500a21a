//! Hourly rates of users.

use access::{Caller, audit};
use axum::extract::State;
use chrono::NaiveDate;
use events::UnitOfWork;
use ids::UserId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{
    Fetched, IfMatch, PathIds, Problem, ValidJson,
    body::BoundedVec,
    fields::Money,
    problem::{self, FieldError, Result},
    reply::Versioned,
};

use super::rules;
use crate::{
    App,
    domain::rates::{HourlyRate, check_periods},
    events::UserUpdated,
    permissions::{RateRead, RateUpdate},
    store::{rates, roles, users},
};

web::body! {
    /// All hourly rates of a user; rates that are not listed are removed.
    pub struct ReplaceRates {
        /// The rates. Periods in the same currency must not overlap.
        pub items: BoundedVec<RateBody, 100>,
    }
    example { "items": [{ "rate": { "amount": "85.00", "currency": "EUR" }, "valid_from": "2026-01-01" }] }
}

web::body! {
    /// An hourly rate for a period.
    pub struct RateBody {
        /// Price of one hour.
        pub rate: Money,
        /// First day of validity.
        pub valid_from: NaiveDate,
        /// Last day of validity; omit it for an open-ended period.
        pub valid_to: Option<NaiveDate>,
    }
}

/// The hourly rates of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{ "rate": { "amount": "85.00", "currency": "EUR" }, "valid_from": "2026-01-01", "valid_to": null }],
    "next_cursor": null,
    "version": 3
}))]
pub(crate) struct Rates {
    /// The rates, sorted by currency and period.
    items: Vec<Rate>,
    /// Always null: the list fits on one page.
    #[schema(value_type = Option<String>)]
    next_cursor: Option<()>,
    /// Version of the user, for `If-Match`.
    version: i32,
}

impl Versioned for Rates {
    fn version(&self) -> i32 {
        self.version
    }
}

/// An hourly rate for a period.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name on the wire")]
pub(crate) struct Rate {
    /// Price of one hour.
    rate: Money,
    /// First day of validity.
    valid_from: NaiveDate,
    /// Last day of validity; null if the period is open-ended.
    valid_to: Option<NaiveDate>,
}

impl ReplaceRates {
    fn into_rates(self) -> Result<Vec<HourlyRate>, Vec<FieldError>> {
        check_periods(self.items.0.into_iter().map(RateBody::into_rate).collect())
    }
}

impl RateBody {
    fn into_rate(self) -> HourlyRate {
        HourlyRate {
            currency: self.rate.currency().as_str().to_owned(),
            amount_minor: self.rate.minor(),
            valid_from: self.valid_from,
            valid_to: self.valid_to,
        }
    }
}

impl Rate {
    /// `None` if the currency is no longer supported.
    fn from_rate(rate: &HourlyRate) -> Option<Self> {
        Some(Self {
            rate: Money::from_minor(rate.amount_minor, &rate.currency)?,
            valid_from: rate.valid_from,
            valid_to: rate.valid_to,
        })
    }
}

/// Get a user's hourly rates
///
/// Returns past, current and future rates, sorted by currency and period.
#[utoipa::path(get, path = "/users/{id}/rates", responses((status = 200, body = Rates, description = "The user's hourly rates.")))]
pub(crate) async fn get_rates(
    State(app): State<App>,
    caller: Caller<RateRead>,
    PathIds(id): PathIds<UserId>,
) -> Result<Fetched<Rates>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let user = users::find_user(&mut unit, caller.reach(), id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let rows = rates::list_rates(&mut unit, caller.reach(), id).await?;
    unit.commit().await?;
    Ok(Fetched(rates_response(&rows, user.version)))
}

/// Replace a user's hourly rates
///
/// Replaces the whole list; rates that are not in the request are removed. The caller must be allowed to manage the user's role.
#[utoipa::path(put, path = "/users/{id}/rates", responses((status = 200, body = Rates, description = "The updated hourly rates.")))]
pub(crate) async fn replace_rates(
    State(app): State<App>,
    caller: Caller<RateUpdate>,
    PathIds(id): PathIds<UserId>,
    if_match: IfMatch,
    body: ValidJson<ReplaceRates>,
) -> Result<Fetched<Rates>> {
    let wanted = body.value.into_rates().map_err(Problem::invalid)?;
    let reach = caller.reach();
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    users::lock_user(&mut unit, reach, id).await?;
    let user = users::find_user(&mut unit, reach, id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(user.version)?;
    let role = roles::find_role(&mut unit, user.role_id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    rules::check_authority(&caller, &role)?;
    let before = rates::list_rates(&mut unit, reach, id).await?;
    if wanted == before {
        unit.commit_unchanged().await?;
        return Ok(Fetched(rates_response(&wanted, user.version)));
    }
    rates::replace_rates(&mut unit, reach, id, &wanted).await?;
    let version = users::touch_user(&mut unit, reach, id).await?;
    let version = version.unwrap_or(user.version);
    let event = UserUpdated {
        user_id: id,
        fields: vec!["rates".to_owned()],
    };
    unit.publish(version, event).await?;
    let entry = audit::Entry::new("identity.rates.replaced", "user", id).change(
        "rates",
        json!(rates_response(&before, version).items),
        json!(rates_response(&wanted, version).items),
    );
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(Fetched(rates_response(&wanted, version)))
}

fn rates_response(rows: &[HourlyRate], version: i32) -> Rates {
    Rates {
        items: rows.iter().filter_map(Rate::from_rate).collect(),
        next_cursor: None,
        version,
    }
}
