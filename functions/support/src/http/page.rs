//! Paginated lists that belong to a ticket: its comments and its history.

use access::{Caller, Permission};
use db::TenantTx;
use events::UnitOfWork;
use ids::TicketId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::IntoParams;
use web::{Limit, Page, Scope, problem::Result};

use super::{comment_scope, load_ticket};
use crate::{App, store::comments::CommentScope};

/// Pagination of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Maximum number of items per page.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    pub(crate) limit: Limit,
    /// Cursor of the page to return: `next_cursor` of the previous page.
    pub(crate) cursor: Option<String>,
}

/// Returns one page of the list `name` of a ticket that the caller can see.
///
/// `list` reads the rows after a position, one more than the page holds; `position` returns the position of a row.
pub(super) async fn ticket_page<P: Permission, Row, Position>(
    app: &App,
    caller: &Caller<P>,
    name: &str,
    id: TicketId,
    query: &PageQuery,
    list: impl AsyncFnOnce(
        &mut TenantTx,
        CommentScope,
        Option<&Position>,
        Limit,
    ) -> db::Result<Vec<Row>>,
    position: impl FnOnce(&Row) -> Position,
) -> Result<Page<Row>>
where
    Position: Serialize + DeserializeOwned,
{
    let scope = Scope::new(name, caller.tenant.id, &(id, caller.user));
    let after: Option<Position> = query
        .cursor
        .as_deref()
        .map(|cursor| app.cursors.open(&scope, cursor))
        .transpose()?;
    let mut unit = UnitOfWork::begin(app, caller).await?;
    load_ticket(&mut unit, caller.reach(), id).await?;
    let comment_scope = comment_scope(caller.reach());
    let rows = list(&mut unit, comment_scope, after.as_ref(), query.limit).await?;
    unit.commit().await?;
    let seal = |last: &Row| app.cursors.seal(&scope, &position(last));
    Ok(query.limit.page(rows, seal))
}
