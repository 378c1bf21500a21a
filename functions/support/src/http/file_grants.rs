//! Leave to see and add the files of a ticket.

use access::{
    Caller,
    file_grant::{FileGrant, LIFETIME, Resource, ResourceType},
};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use ids::TicketId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{PathIds, problem::Result};

use super::{load, side};
use crate::{App, domain::status::Side, permissions::TicketRead};

/// Leave to see and add the files of a ticket, for whoever asked for it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "grant": "MDE5YWIxZjI.c2lnbmF0dXJl", "resource": "ticket:019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "internal": false, "expires_at": "2026-11-20T11:10:00Z"
}))]
pub(crate) struct TicketFileGrant {
    /// For the header `X-File-Grant` of `/files` and `/uploads`.
    grant: String,
    /// What it is for: the `resource` of the ticket's files.
    resource: String,
    /// Whether it also opens files that only staff sees.
    internal: bool,
    /// Until when it is good.
    expires_at: DateTime<Utc>,
}

/// Get leave to see and add a ticket's files: for the caller, for ten minutes. Whoever sees the ticket gets it.
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
    let mut tx = caller.begin(&app.db).await?;
    load(&mut tx, caller.reach(), id).await?;
    tx.commit().await?;
    let grant = FileGrant {
        tenant: caller.tenant.id,
        actor: caller.actor,
        resource: Resource {
            r#type: ResourceType::Ticket,
            id: id.uuid(),
        },
        internal: side(caller.reach()) == Side::Staff,
        expires_at: app.gate.clock().now() + LIFETIME,
    };
    Ok(Json(TicketFileGrant {
        grant: grant.to_text(app.gate.keyring()),
        resource: grant.resource.to_string(),
        internal: grant.internal,
        expires_at: grant.expires_at,
    }))
}
