//! Handlers and wire types, one file per resource.

pub(crate) mod comments;
pub(crate) mod file_grants;
pub(crate) mod history;
mod page;
pub(crate) mod tickets;

use access::Reach;
use db::{ActorKind, TenantTx};
use ids::TicketId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Problem, problem};

use crate::{
    domain::status::TicketRole,
    store::{
        comments::CommentScope,
        tickets::{self as store, TicketRow},
    },
};

/// Who wrote a comment or made a change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Author {
    /// The type of actor.
    pub kind: ActorKind,
    /// The actor's identifier, if it has one.
    pub id: Option<Uuid>,
    /// The display name, if the actor is a person of the tenant.
    pub name: Option<String>,
}

/// The caller's role: reach `own` makes a customer, any other reach makes staff.
pub(crate) fn ticket_role(reach: Reach) -> TicketRole {
    match reach {
        Reach::Own(_) => TicketRole::Customer,
        Reach::All | Reach::Assigned(_) => TicketRole::Staff,
    }
}

/// Only staff see internal comments.
pub(crate) fn comment_scope(reach: Reach) -> CommentScope {
    match ticket_role(reach) {
        TicketRole::Customer => CommentScope::PublicOnly,
        TicketRole::Staff => CommentScope::All,
    }
}

/// Loads a ticket within the caller's reach, or fails with `404`.
pub(crate) async fn load_ticket(
    tx: &mut TenantTx,
    reach: Reach,
    id: TicketId,
) -> Result<TicketRow, Problem> {
    store::find_ticket(tx, reach, id)
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}

/// Loads a ticket and locks its row, or fails with `404`.
pub(crate) async fn lock_ticket(
    tx: &mut TenantTx,
    reach: Reach,
    id: TicketId,
) -> Result<TicketRow, Problem> {
    store::lock_ticket(tx, reach, id)
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}
