//! Lists that belong to a ticket: its comments and its history.

use access::{
    Caller, Permission,
    list::{ListQuery, Listed, Order, Source},
};
use events::UnitOfWork;
use ids::TicketId;
use sqlx::{FromRow, postgres::PgRow};
use web::problem::Result;

use super::{comment_scope, load_ticket};
use crate::{App, store::comments::CommentScope};

web::query! {
    /// No filters.
    pub(crate) struct Unfiltered {}
}

/// One page of a list of a ticket that the caller can see. `alias` is the table with `ticket_id` and `visibility`.
pub(super) async fn ticket_page<P: Permission, Row>(
    app: &App,
    caller: &Caller<P>,
    id: TicketId,
    query: &ListQuery<Unfiltered>,
    (source, order): (&Source, Order),
    alias: &str,
) -> Result<Listed<Row>>
where
    Row: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let mut unit = UnitOfWork::begin(app, caller).await?;
    load_ticket(&mut unit, caller.reach(), id).await?;
    let sees_internal = comment_scope(caller.reach()) == CommentScope::All;
    let listed = query
        .rows(
            &app.cursors,
            caller,
            &mut unit,
            (source, order),
            |sql| {
                sql.push(format_args!(" and {alias}.ticket_id = "));
                sql.push_bind(id);
                if !sees_internal {
                    sql.push(format_args!(" and {alias}.visibility = 'public'"));
                }
            },
            |_| {},
        )
        .await?;
    unit.commit().await?;
    Ok(listed)
}
