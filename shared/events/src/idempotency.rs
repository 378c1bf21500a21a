//! `Idempotency-Key`: a POST that is sent twice takes effect once.
//!
//! The record is written in the transaction of the effect, so neither exists without the other. Only successful responses are
//! stored: a failed request may be retried with the same key.

use axum::{
    extract::{FromRef, FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use db::{DbError, TenantTx};
use http::{HeaderValue, StatusCode, header};
use utoipa::ToSchema;
use web::{
    Created, Problem, RequestInfo, ValidJson,
    body::Field,
    openapi::{Arg, OperationDoc, header as header_parameter, json_body},
    problem,
    reply::Versioned,
};

use access::{AppState, Caller, Permission, Purpose, problems};

use crate::{Backend, UnitOfWork};

/// A JSON body of a request that takes effect once per `Idempotency-Key`.
#[derive(Debug)]
pub struct Idempotent<T> {
    body: T,
    /// One for each active master key, the newest first.
    fingerprints: Vec<[u8; 32]>,
    key: Option<String>,
    request: RequestInfo,
}

/// How to handle the request.
#[derive(Debug)]
pub enum Attempt<T> {
    /// First attempt: perform the effect in this unit of work, and finish with [`Pending::created`].
    First(UnitOfWork, T, Pending),
    /// Repetition: the stored response.
    Replay(Response),
}

/// A claimed key whose response is not stored yet.
#[derive(Debug)]
pub struct Pending(Option<Record>);

#[derive(Debug)]
struct Record {
    principal: String,
    method: String,
    path: String,
    key: String,
}

impl<S, T> FromRequest<S> for Idempotent<T>
where
    S: Send + Sync,
    AppState: FromRef<S>,
    T: Field,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let key = match parts.headers.get("idempotency-key") {
            None => None,
            Some(value) => {
                let text = value.to_str().unwrap_or_default();
                let is_valid = (1..=255).contains(&text.len())
                    && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
                if !is_valid {
                    return Err(problem::INVALID_HEADER
                        .problem()
                        .argument("header", "Idempotency-Key"));
                }
                Some(text.to_owned())
            }
        };
        let Ok(info) = RequestInfo::from_request_parts(&mut parts, state).await;
        let json = ValidJson::<T>::from_request(Request::from_parts(parts, body), state).await?;
        let keyring = AppState::from_ref(state).keyring().clone();
        Ok(Self {
            body: json.value,
            fingerprints: keyring.mac_with_each_key(Purpose::Fingerprints, &json.bytes),
            key,
            request: info,
        })
    }
}

impl<T> Idempotent<T> {
    /// The body, for work that must not run inside a transaction.
    pub fn body(&self) -> &T {
        &self.body
    }

    /// Opens the caller's transaction and claims the key in it.
    ///
    /// While another request with the same key is running, waits up to the lock timeout (one second), then fails with `409`.
    pub async fn begin<P: Permission>(
        self,
        app: &impl Backend,
        caller: &Caller<P>,
    ) -> Result<Attempt<T>, Problem> {
        let mut unit = UnitOfWork::begin(app, caller).await?;
        let Some(key) = self.key else {
            return Ok(Attempt::First(unit, self.body, Pending(None)));
        };
        let record = Record {
            principal: caller.actor.to_string(),
            method: self.request.method().to_string(),
            path: canonical(self.request.path()),
            key,
        };
        if claim(
            &mut unit,
            &record,
            self.fingerprints.first().map_or(&[], |newest| newest),
        )
        .await?
        {
            return Ok(Attempt::First(unit, self.body, Pending(Some(record))));
        }
        let answer = replay(&mut unit, &record, &self.fingerprints).await?;
        unit.commit_unchanged().await?;
        Ok(Attempt::Replay(answer))
    }
}

/// A path with and without the version identifies the same request.
fn canonical(path: &str) -> String {
    path.strip_prefix("/api/v1")
        .map_or_else(|| path.to_owned(), |rest| format!("/api{rest}"))
}

async fn claim(tx: &mut TenantTx, record: &Record, fingerprint: &[u8]) -> Result<bool, Problem> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let claimed = sqlx::query!(
        "insert into access.idempotency_keys as k (tenant_id, principal, method, path, idempotency_key, fingerprint, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict on constraint idempotency_keys_pkey do update
        set fingerprint = excluded.fingerprint, created_at = excluded.created_at,
            status = null, location = null, etag = null, body = null
        where k.created_at < excluded.created_at - interval '24 hours'",
        tenant as _,
        record.principal,
        record.method,
        record.path,
        record.key,
        fingerprint,
        now,
    )
    .execute(tx.conn())
    .await;
    match claimed.map_err(DbError::from) {
        Ok(done) => Ok(done.rows_affected() == 1),
        Err(DbError::LockTimeout) => Err(problems::IDEMPOTENCY_KEY_IN_FLIGHT.problem()),
        Err(other) => Err(other.into()),
    }
}

async fn replay(
    tx: &mut TenantTx,
    record: &Record,
    fingerprints: &[[u8; 32]],
) -> Result<Response, Problem> {
    let tenant = tx.tenant();
    let kept = sqlx::query!(
        "select fingerprint, status, location, etag, body
        from access.idempotency_keys
        where tenant_id = $1 and principal = $2 and method = $3 and path = $4 and idempotency_key = $5",
        tenant as _,
        record.principal,
        record.method,
        record.path,
        record.key,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)?
    // Claimed by another request that has failed in the meantime.
    .ok_or(&problems::IDEMPOTENCY_KEY_IN_FLIGHT)?;
    if !fingerprints.iter().any(|known| kept.fingerprint == known) {
        return Err(problems::IDEMPOTENCY_KEY_REUSED.problem());
    }
    let status = kept
        .status
        .and_then(|status| StatusCode::from_u16(status.unsigned_abs()).ok())
        .unwrap_or(StatusCode::OK);
    let mut response = (status, kept.body.unwrap_or_default()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    for (name, value) in [(header::LOCATION, kept.location), (header::ETAG, kept.etag)] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

impl Pending {
    /// Stores the response, commits, and returns the response.
    pub async fn created<R: Versioned>(
        self,
        unit: UnitOfWork,
        answer: Created<R>,
    ) -> Result<Response, Problem> {
        let kept = serde_json::to_string(&answer.resource).map_err(Problem::internal)?;
        self.store_response(unit, answer, kept).await
    }

    /// Like [`created`](Self::created) for a response with a secret: repetitions get `without_secret`.
    pub async fn created_secret<R: Versioned>(
        self,
        unit: UnitOfWork,
        answer: Created<R>,
        without_secret: &impl serde::Serialize,
    ) -> Result<Response, Problem> {
        let kept = serde_json::to_string(without_secret).map_err(Problem::internal)?;
        self.store_response(unit, answer, kept).await
    }

    async fn store_response<R: Versioned>(
        self,
        mut unit: UnitOfWork,
        answer: Created<R>,
        kept: String,
    ) -> Result<Response, Problem> {
        if let Some(record) = self.0 {
            let tenant = unit.tenant();
            let etag = web::etag::tag(answer.resource.version());
            sqlx::query!(
                "update access.idempotency_keys
                set status = 201, location = $6, etag = $7, body = $8
                where tenant_id = $1 and principal = $2 and method = $3 and path = $4 and idempotency_key = $5",
                tenant as _,
                record.principal,
                record.method,
                record.path,
                record.key,
                answer.location,
                etag.to_str().unwrap_or_default(),
                kept,
            )
            .execute(unit.conn())
            .await
            .map_err(DbError::from)?;
        }
        unit.commit().await?;
        Ok(answer.into_response())
    }
}

impl<T: ToSchema> Arg for Idempotent<T> {
    fn describe(doc: &mut OperationDoc) {
        json_body::<T>(doc);
        doc.reads(header_parameter(
            "Idempotency-Key",
            "A unique key of up to 255 characters. Repeating the request with the same key within 24 hours returns the original response without repeating its effect.",
            "2f6b8a2e-import-17",
        ));
        doc.refuses(&problem::INVALID_HEADER);
        doc.refuses(&problems::IDEMPOTENCY_KEY_REUSED);
        doc.refuses(&problems::IDEMPOTENCY_KEY_IN_FLIGHT);
    }
}
