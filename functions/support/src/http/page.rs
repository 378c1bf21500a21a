//! Pages of what hangs on a ticket: its comments, its history.

use access::{Caller, Permission};
use axum::Json;
use db::TenantTx;
use ids::TicketId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::IntoParams;
use web::{Limit, Page, Scope, problem::Result};

use super::{load, sight};
use crate::{App, store::comments::Sight};

/// A page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// How many a page has.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    pub(crate) limit: Limit,
    /// Where the page begins: `next_cursor` of the one before.
    pub(crate) cursor: Option<String>,
}

/// The page that `query` asks for, of the list `name` of a ticket that the caller sees. `rows` reads behind a position;
/// `position` says where a row stands.
pub(super) async fn page_of_ticket<P: Permission, Item, Position>(
    app: &App,
    caller: &Caller<P>,
    (name, id): (&str, TicketId),
    query: &PageQuery,
    rows: impl AsyncFnOnce(&mut TenantTx, Sight, Option<&Position>, Limit) -> db::Result<Vec<Item>>,
    position: impl FnOnce(&Item) -> Position,
) -> Result<Json<Page<Item>>>
where
    Position: Serialize + DeserializeOwned,
{
    let scope = Scope::new(name, caller.tenant.id, &(id, caller.user));
    let after: Option<Position> = query
        .cursor
        .as_deref()
        .map(|cursor| app.cursors.open(&scope, cursor))
        .transpose()?;
    let mut tx = caller.begin(&app.db).await?;
    load(&mut tx, caller.reach(), id).await?;
    let rows = rows(&mut tx, sight(caller.reach()), after.as_ref(), query.limit).await?;
    tx.commit().await?;
    let seal = |last: &Item| app.cursors.seal(&scope, &position(last));
    Ok(Json(query.limit.page(rows, seal)))
}
