//! What an hour of a person's work costs.

use access::{Caller, audit};
use axum::extract::State;
use ids::UserId;
use serde_json::json;
use web::{
    Fetched, IfMatch, PathIds, Problem, ValidJson,
    problem::{self, Result},
};

use super::rules;
use crate::{
    App,
    domain::rates::{KeptRate, Rate, Rates, ReplaceRates},
    events::USER_UPDATED,
    http::announce,
    permissions::{RateRead, RateUpdate},
    store::{rates, roles, users},
};

/// Read a person's hourly rates.
#[utoipa::path(get, path = "/users/{id}/rates", responses((status = 200, body = Rates, description = "All rates.")))]
pub(crate) async fn get_rates(
    State(app): State<App>,
    caller: Caller<RateRead>,
    PathIds(id): PathIds<UserId>,
) -> Result<Fetched<Rates>> {
    let mut tx = caller.begin(&app.db).await?;
    let user = users::find_user(&mut tx, caller.reach(), id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let rows = rates::list_rates(&mut tx, caller.reach(), id).await?;
    tx.commit().await?;
    Ok(Fetched(shown(&rows, user.version)))
}

/// Replace a person's hourly rates as a whole. Only for people whom one manages.
#[utoipa::path(put, path = "/users/{id}/rates", responses((status = 200, body = Rates, description = "All rates as they are now.")))]
pub(crate) async fn replace_rates(
    State(app): State<App>,
    caller: Caller<RateUpdate>,
    PathIds(id): PathIds<UserId>,
    if_match: IfMatch,
    body: ValidJson<ReplaceRates>,
) -> Result<Fetched<Rates>> {
    let now = app.state.clock().now();
    let wanted = body.value.rates().map_err(Problem::invalid)?;
    let reach = caller.reach();
    let mut tx = caller.begin(&app.db).await?;
    users::lock_user(&mut tx, reach, id).await?;
    let user = users::find_user(&mut tx, reach, id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(user.version)?;
    let role = roles::find_role(&mut tx, user.role_id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    rules::check_authority(&caller, &role)?;
    let before = rates::list_rates(&mut tx, reach, id).await?;
    let mut version = user.version;
    if wanted != before {
        rates::replace_rates(&mut tx, reach, id, &wanted).await?;
        version = users::touch_user(&mut tx, reach, id, now)
            .await?
            .unwrap_or(version);
        let data = json!({"user_id": id, "fields": ["rates"]});
        let request = caller.request();
        announce(&mut tx, request, now, &USER_UPDATED, (id, version), data).await?;
        let entry = audit::Entry::new("identity.rates.replaced", "user", id).change(
            "rates",
            json!(shown(&before, version).items),
            json!(shown(&wanted, version).items),
        );
        let reason = caller.reason.as_deref();
        audit::record(&mut tx, request, now, reason, entry).await?;
    }
    tx.commit().await?;
    Ok(Fetched(shown(&wanted, version)))
}

fn shown(rows: &[KeptRate], version: i32) -> Rates {
    Rates {
        items: rows.iter().filter_map(Rate::shown).collect(),
        next_cursor: None,
        version,
    }
}
