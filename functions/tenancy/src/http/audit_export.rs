//! The audit log as a table, whole.

use access::{Caller, audit};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use db::{Actor, Db};
use futures::stream;
use http::{HeaderValue, header};
use ids::{AuditEntryId, TenantId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use uuid::Uuid;
use web::{Line, Problem, ValidQuery, csv, problem::Result, query::instant};

use super::audit_log::Selection;
use crate::{
    App,
    permissions::AuditRead,
    store::audit_log::{self, AuditRow},
};

/// Rows that are read at once, in a transaction of their own: whoever reads slowly keeps nobody waiting.
const PORTION: i64 = 500;

const HEADER: [&str; 12] = [
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

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditExportQuery {
    /// Only what this person or key did.
    actor: Option<Uuid>,
    /// Only this action, or all that begin with it: `tenancy.api_key` finds `tenancy.api_key.revoked`.
    #[param(inline)]
    action: Option<Line<1, 100>>,
    /// Only what was done on this kind of thing (`api_key`), or on one of them (`api_key/<id>`).
    #[param(inline)]
    resource: Option<Line<1, 200>>,
    /// Not before this time.
    #[serde(default, deserialize_with = "instant")]
    from: Option<DateTime<Utc>>,
    /// Before this time.
    #[serde(default, deserialize_with = "instant")]
    to: Option<DateTime<Utc>>,
}

/// Exports who did what in the caller's tenant as CSV (RFC 4180), newest first. That it was exported stands in the log too.
///
/// A cell that a spreadsheet would take for a formula begins with an apostrophe. An answer that breaks off is not complete.
#[utoipa::path(get, path = "/audit-log.csv", responses((
    status = 200, description = "All entries, with a header row.", body = String, content_type = "text/csv",
    headers(("Content-Disposition" = String, description = "A name for the file."))
)))]
pub async fn export_audit_log(
    State(app): State<App>,
    caller: Caller<AuditRead>,
    ValidQuery(query): ValidQuery<AuditExportQuery>,
) -> Result<Response> {
    let now = app.gate.clock().now();
    let selection = Selection {
        actor: query.actor,
        action: query.action,
        resource: query.resource,
        from: query.from,
        to: query.to,
    };
    let mut tx = caller.begin_writing(&app.db).await?;
    let entry = audit::Entry::new("tenancy.audit_log.exported", "tenant", caller.tenant.id).change(
        "filters",
        Value::Null,
        selection.named(),
    );
    let (request, reason) = (caller.request(), caller.reason.as_deref());
    audit::record(&mut tx, request, now, reason, entry).await?;
    tx.commit().await?;
    let export = Export {
        db: app.db,
        tenant: caller.tenant.id,
        actor: caller.actor,
        selection,
        at: At::Beginning,
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

/// An export under way.
struct Export {
    db: Db,
    tenant: TenantId,
    actor: Actor,
    selection: Selection,
    at: At,
}

/// How far it has come.
enum At {
    Beginning,
    Behind(DateTime<Utc>, AuditEntryId),
    End,
}

impl Export {
    /// The next lines, read in a transaction of their own.
    async fn next(mut self) -> std::io::Result<Option<(Bytes, Self)>> {
        let (header, after) = match self.at {
            At::Beginning => (Some(HEADER.map(str::to_owned)), None),
            At::Behind(time, id) => (None, Some((time, id))),
            At::End => return Ok(None),
        };
        let rows = self.rows(after).await.inspect_err(
            |cause| tracing::warn!(%cause, tenant = %self.tenant, "export of the audit log broke off"),
        );
        let rows = rows.map_err(std::io::Error::other)?;
        self.at = match rows.last() {
            Some(last) => At::Behind(last.occurred_at, last.id),
            None => At::End,
        };
        let lines = csv::write(header.into_iter().chain(rows.into_iter().map(cells)))?;
        Ok(Some((lines, self)))
    }

    async fn rows(
        &self,
        after: Option<(DateTime<Utc>, AuditEntryId)>,
    ) -> db::Result<Vec<AuditRow>> {
        let mut tx = self.db.begin_reading(self.tenant, self.actor).await?;
        let rows = audit_log::list(&mut tx, &self.selection.filter(after), PORTION).await?;
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
