//! What a person can do.

use access::{Caller, audit};
use axum::extract::State;
use ids::UserId;
use serde_json::json;
use web::{
    Fetched, IfMatch, PathIds, Problem, ValidJson,
    problem::{self, Result},
};

use crate::{
    App,
    domain::expertise::{Expertise, ReplaceExpertise},
    events::USER_UPDATED,
    http::announce,
    permissions::{ExpertiseRead, ExpertiseUpdate},
    store::{expertise, users},
};

/// Read a person's skills.
#[utoipa::path(get, path = "/users/{id}/expertise", responses((status = 200, body = Expertise, description = "All skills.")))]
pub(crate) async fn get_expertise(
    State(app): State<App>,
    caller: Caller<ExpertiseRead>,
    PathIds(id): PathIds<UserId>,
) -> Result<Fetched<Expertise>> {
    let mut tx = caller.begin(&app.db).await?;
    let user = users::find_user(&mut tx, caller.reach(), id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let items = expertise::list_expertise(&mut tx, caller.reach(), id).await?;
    tx.commit().await?;
    Ok(Fetched(Expertise {
        items,
        next_cursor: None,
        version: user.version,
    }))
}

/// Replace a person's skills as a whole.
#[utoipa::path(put, path = "/users/{id}/expertise", responses((status = 200, body = Expertise, description = "All skills as they are now.")))]
pub(crate) async fn replace_expertise(
    State(app): State<App>,
    caller: Caller<ExpertiseUpdate>,
    PathIds(id): PathIds<UserId>,
    if_match: IfMatch,
    body: ValidJson<ReplaceExpertise>,
) -> Result<Fetched<Expertise>> {
    let now = app.state.clock().now();
    let skills = body.value.skills().map_err(Problem::invalid)?;
    let reach = caller.reach();
    let mut tx = caller.begin(&app.db).await?;
    users::lock_user(&mut tx, reach, id).await?;
    let user = users::find_user(&mut tx, reach, id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(user.version)?;
    let before = expertise::list_expertise(&mut tx, reach, id).await?;
    expertise::replace_expertise(&mut tx, reach, id, &skills).await?;
    let items = expertise::list_expertise(&mut tx, reach, id).await?;
    let mut version = user.version;
    if items != before {
        version = users::touch_user(&mut tx, reach, id, now)
            .await?
            .unwrap_or(version);
        let data = json!({"user_id": id, "fields": ["expertise"]});
        announce(
            &mut tx,
            caller.request(),
            now,
            &USER_UPDATED,
            (id, version),
            data,
        )
        .await?;
        let entry = audit::Entry::new("identity.expertise.replaced", "user", id).change(
            "skills",
            json!(before),
            json!(items),
        );
        audit::record(
            &mut tx,
            caller.request(),
            now,
            caller.reason.as_deref(),
            entry,
        )
        .await?;
    }
    tx.commit().await?;
    Ok(Fetched(Expertise {
        items,
        next_cursor: None,
        version,
    }))
}
