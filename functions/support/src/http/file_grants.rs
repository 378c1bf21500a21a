//! Permission to view and attach files of a ticket.

use access::{
    Caller,
    file_grant::{FileGrant, LIFETIME, Resource},
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use ids::TicketId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{PathIds, problem::Result};

use super::{load_ticket, ticket_role};
use crate::{App, declarations::TICKET, domain::status::TicketRole, permissions::TicketRead};

/// Permission to view and attach files of a ticket, valid for the caller who requested it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "grant": "MDE5YWIxZjI.c2lnbmF0dXJl", "resource": "ticket:019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "internal": false, "expires_at": "2026-11-20T11:10:00Z"
}))]
pub(crate) struct TicketFileGrant {
    /// The value for the header `X-File-Grant` of requests to `/files` and `/uploads`.
    grant: String,
    /// The `resource` to filter by and to attach files to.
    resource: String,
    /// Whether the grant also covers files that only staff can see.
    internal: bool,
    /// When the grant expires.
    expires_at: DateTime<Utc>,
}

/// Get permission to view and attach files
///
/// Returns a grant for the files of this ticket. It is valid for ten minutes and for the caller only. Everyone who can see the
/// ticket can request one.
#[utoipa::path(
    get,
    path = "/tickets/{id}/file-grant",
    responses((status = 200, body = TicketFileGrant, description = "The grant."))
)]
pub(crate) async fn get_file_grant(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    PathIds(id): PathIds<TicketId>,
) -> Result<Json<TicketFileGrant>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    load_ticket(&mut unit, caller.reach(), id).await?;
    let expires_at = unit.now() + LIFETIME;
    unit.commit().await?;
    let grant = FileGrant {
        tenant: caller.tenant.id,
        actor: caller.actor,
        resource: Resource {
            r#type: TICKET,
            id: id.uuid(),
        },
        internal: ticket_role(caller.reach()) == TicketRole::Staff,
        expires_at,
    };
    Ok(Json(TicketFileGrant {
        grant: grant.to_text(app.state.keyring()),
        resource: grant.resource.to_string(),
        internal: grant.internal,
        expires_at: grant.expires_at,
    }))
}
