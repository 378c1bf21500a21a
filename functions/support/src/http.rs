//! Handlers, a file a resource.

pub(crate) mod comments;
pub(crate) mod file_grants;
pub(crate) mod history;
mod page;
pub(crate) mod tickets;

use access::{Caller, Permission, Reach};
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::TicketId;
use serde_json::Value;
use web::{Problem, problem};

use crate::{
    domain::{status::Side, ticket::Ticket},
    events::Kind,
    store::{comments::Sight, tickets as rows},
};

/// Customers reach their own tickets; everybody else works on them.
pub(crate) fn side(reach: Reach) -> Side {
    match reach {
        Reach::Own(_) => Side::Customer,
        Reach::All | Reach::Assigned(_) => Side::Staff,
    }
}

/// Internal remarks are for staff.
pub(crate) fn sight(reach: Reach) -> Sight {
    match side(reach) {
        Side::Customer => Sight::Public,
        Side::Staff => Sight::Everything,
    }
}

/// The ticket, or `404`.
pub(crate) async fn load(tx: &mut TenantTx, reach: Reach, id: TicketId) -> Result<Ticket, Problem> {
    rows::find_ticket(tx, reach, id)
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}

/// The ticket for changing, or `404`.
pub(crate) async fn lock(tx: &mut TenantTx, reach: Reach, id: TicketId) -> Result<Ticket, Problem> {
    rows::lock_ticket(tx, reach, id)
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}

/// Announces something about a ticket in its transaction.
pub(crate) async fn announce<P: Permission>(
    tx: &mut TenantTx,
    caller: &Caller<P>,
    now: DateTime<Utc>,
    kind: Kind,
    (id, version): (TicketId, i32),
    data: Value,
) -> Result<(), Problem> {
    let announcement = events::Announcement {
        kind,
        subject: format!("tickets/{id}"),
        version: version.into(),
        data,
        sealed: None,
    };
    events::announce(tx, caller.request(), now, announcement).await?;
    Ok(())
}
