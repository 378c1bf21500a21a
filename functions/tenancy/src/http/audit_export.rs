//! Exports the audit log as CSV.

use access::{Caller, Recent, audit};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use db::{Actor, Db};
use events::UnitOfWork;
use futures::stream;
use http::{HeaderValue, Method, header};
use ids::{AuditEntryId, TenantId};
use serde_json::Value;
use uuid::Uuid;
use web::{Problem, SingleLine, ValidQuery, csv, problem::Result};

use super::audit_log::EntrySelection;
use crate::{
    App,
    permissions::AuditRead,
    store::audit_log::{self, AuditRow},
};

/// How many rows are read in one transaction. A slow client does not keep a transaction open.
const BATCH_SIZE: i64 = 500;

const HEADER_ROW: [&str; 12] = [
    "id",
    "occurred_at",
    "actor_kind",
    "actor_id",
    "action",
    "resource_kind",
    "resource_id",
    "changes",
    "reason",
    "request_id",
    "address",
    "sequence",
];

web::query! {
    /// Filters of the export.
    pub(crate) struct AuditExportQuery {
        /// Only actions of this user or key.
        actor: Option<Uuid>,
        /// Only this action, or all actions with this prefix: `tenancy.api_key` includes `tenancy.api_key.revoked`.
        action: Option<SingleLine<1, 100>>,
        /// Only actions on this type of resource (`api_key`), or on one resource (`api_key/<id>`).
        resource: Option<SingleLine<1, 200>>,
        /// Only entries at or after this time.
        from: Option<DateTime<Utc>>,
        /// Only entries before this time.
        to: Option<DateTime<Utc>>,
    }
}

/// Export the audit log as CSV
///
/// Returns all matching entries of the caller's tenant, newest first, as CSV (RFC 4180) with a header row. The export
/// itself is recorded in the audit log.
///
/// Requires recent authentication. Cells that a spreadsheet would interpret as a formula start with an apostrophe. If the connection is closed early,
/// the export is incomplete.
#[utoipa::path(get, path = "/audit-log.csv", responses((
    status = 200, description = "All matching entries, with a header row.", body = String, content_type = "text/csv",
    headers(("Content-Disposition" = String, description = "The suggested file name."))
)))]
pub(crate) async fn export_audit_log(
    State(app): State<App>,
    caller: Caller<Recent<AuditRead>>,
    ValidQuery(query): ValidQuery<AuditExportQuery>,
) -> Result<Response> {
    let selection = EntrySelection {
        actor: query.actor,
        action: query.action,
        resource: query.resource,
        from: query.from,
        to: query.to,
    };
    let mut unit = UnitOfWork::begin_read_write(&app, &caller).await?;
    let is_head = *caller.request().method() == Method::HEAD;
    let entry = audit::Entry::new("tenancy.audit_log.exported", "tenant", caller.tenant.id).change(
        "filters",
        Value::Null,
        selection.filter_names(),
    );
    let now = unit.now();
    // Nothing is exported, and the method must not change anything (RFC 9110, 9.2.1).
    if is_head {
        unit.commit_unchanged().await?;
    } else {
        unit.audit(entry).await?;
        unit.commit().await?;
    }
    let export = Export {
        db: app.db,
        tenant: caller.tenant.id,
        actor: caller.actor,
        now,
        selection,
        position: if is_head {
            Position::End
        } else {
            Position::Start
        },
    };
    let body = Body::from_stream(stream::try_unfold(export, Export::next));
    let name = format!(
        "attachment; filename=\"audit-log-{}-{}.csv\"",
        caller.tenant.slug,
        now.format("%Y-%m-%d")
    );
    let name = HeaderValue::try_from(name).map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, csv::MEDIA_TYPE),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, body).into_response())
}

/// An export in progress.
struct Export {
    db: Db,
    tenant: TenantId,
    actor: Actor,
    now: DateTime<Utc>,
    selection: EntrySelection,
    position: Position,
}

/// The position of an export.
enum Position {
    Start,
    After(DateTime<Utc>, AuditEntryId),
    End,
}

impl Export {
    /// Reads the next batch in a transaction of its own.
    async fn next(mut self) -> std::io::Result<Option<(Bytes, Self)>> {
        let (header, after) = match self.position {
            Position::Start => (Some(HEADER_ROW.map(str::to_owned)), None),
            Position::After(time, id) => (None, Some((time, id))),
            Position::End => return Ok(None),
        };
        let rows = self.read_batch(after).await.inspect_err(
            |cause| tracing::warn!(%cause, tenant = %self.tenant, "export of the audit log failed"),
        );
        let rows = rows.map_err(std::io::Error::other)?;
        self.position = match rows.last() {
            Some(last) => Position::After(last.occurred_at, last.id),
            None => Position::End,
        };
        let lines = csv::write(header.into_iter().chain(rows.into_iter().map(cells)))?;
        Ok(Some((lines, self)))
    }

    async fn read_batch(
        &self,
        after: Option<(DateTime<Utc>, AuditEntryId)>,
    ) -> db::Result<Vec<AuditRow>> {
        let mut tx = self
            .db
            .begin_read_only(self.tenant, self.actor, self.now)
            .await?;
        let rows =
            audit_log::list_entries(&mut tx, &self.selection.filter(after), BATCH_SIZE).await?;
        tx.commit().await?;
        Ok(rows)
    }
}

fn cells(row: AuditRow) -> [String; 12] {
    let text = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    [
        row.id.to_string(),
        row.occurred_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        row.actor_kind.to_string(),
        text(row.actor_id),
        row.action,
        row.resource_kind,
        row.resource_id.unwrap_or_default(),
        row.changes.to_string(),
        row.reason.unwrap_or_default(),
        row.request_id.unwrap_or_default(),
        row.address.unwrap_or_default(),
        row.sequence
            .map(|sequence| sequence.to_string())
            .unwrap_or_default(),
    ]
}
