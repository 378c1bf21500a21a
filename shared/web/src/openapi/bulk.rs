//! Bulk writes: many creations, changes and deletions of one collection in one request, each with its own result.
//!
//! Each item goes through the operation that a single request would call, with the same credential: permission, validation, idempotency,
//! version and audit are the same, and so is its transaction. One item that is refused does not concern the others.

use std::time::Duration;

use axum::{
    Json, Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use tower::ServiceExt;
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, HttpMethod, Ref, RefOr, ResponseBuilder, SecurityRequirement,
        path::OperationBuilder,
    },
};

use super::{BASE, OperationDoc, ProblemDocument, json_body};
use crate::{
    Problem, RequestInfo, SingleLine, ValidJson,
    body::{BoundedVec, Int},
    problem::{self, FieldCode, FieldError},
    request::PermitGuard,
};

/// Items are begun within this time, so that the answer comes within the limit of every request.
const BEGIN_LIMIT: Duration = Duration::from_secs(7);
/// Maximum length of an answer to a single item in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// Headers of the request that belong to the request as a whole.
const NOT_FOR_ITEMS: [header::HeaderName; 7] = [
    header::ACCEPT,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::TRANSFER_ENCODING,
];

crate::text_enum! {
    /// What to do with an item.
    pub enum BulkAction {
        /// Create it from `data`.
        Create = "create",
        /// Change the fields in `data`.
        Update = "update",
        /// Delete it.
        Delete = "delete",
    }
}

crate::body! {
    /// One change of a bulk write.
    pub struct BulkItem {
        /// What to do.
        pub op: BulkAction,
        /// The item to change or delete.
        pub id: Option<SingleLine<1, 100>>,
        /// The version to change or delete; without it, whichever there is.
        pub version: Option<Int<1, { i32::MAX }>>,
        /// The `Idempotency-Key` of a creation: repeated within 24 hours, it creates nothing.
        pub key: Option<SingleLine<1, 255>>,
        /// The body that the single operation takes.
        pub data: Option<Value>,
    }
}

crate::body! {
    /// Changes of one collection.
    pub struct BulkWrite {
        /// The changes, done in this order, each in a transaction of its own.
        pub items: BoundedVec<BulkItem, 200>,
    }
}

/// The result of one item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": 200, "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "version": 4, "problem": null}))]
pub struct BulkResult {
    /// The status that a single request would have had; 503 if the time did not suffice for it.
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    /// The identifier of the item; null if it was not created.
    id: Option<String>,
    /// The version that the item has now; null if it was deleted or refused.
    version: Option<i64>,
    /// Why it was refused; null if it was not.
    #[schema(value_type = Option<ProblemDocument>)]
    problem: Option<Value>,
}

/// The results of a bulk write.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResults {
    /// One result for each item, in the order of the request.
    items: Vec<BulkResult>,
}

/// Writes the items of the request, one after the other.
pub(crate) async fn write(
    collection: &'static str,
    single: Router,
    info: RequestInfo,
    headers: HeaderMap,
    body: BulkWrite,
) -> Response {
    // Each item proves its credential: without one, none would be asked for.
    if body.items.0.is_empty() {
        return Problem::field("/items", FieldCode::TooShort(1)).into_response();
    }
    let calls: Vec<Result<Call, FieldError>> = body
        .items
        .0
        .into_iter()
        .enumerate()
        .map(|(index, item)| Call::of(collection, index, item))
        .collect();
    let (calls, wrong): (Vec<_>, Vec<_>) = calls.into_iter().partition(Result::is_ok);
    if !wrong.is_empty() {
        let wrong = wrong.into_iter().filter_map(Result::err).collect();
        return Problem::invalid(wrong).into_response();
    }
    let started = tokio::time::Instant::now();
    let mut items = Vec::with_capacity(calls.len());
    for call in calls.into_iter().flatten() {
        if started.elapsed() > BEGIN_LIMIT {
            items.push(BulkResult::refused(
                &problem::UNAVAILABLE.problem(),
                call.id,
                &info,
            ));
            continue;
        }
        match call.run(&single, &info, &headers).await {
            // Without a valid credential there are no results.
            Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {
                return refused.into_response();
            }
            Err(refused) => items.push(BulkResult::refused(&refused, call.id, &info)),
            Ok(done) => items.push(done),
        }
    }
    Json(BulkResults { items }).into_response()
}

/// The single request that an item stands for.
struct Call {
    method: Method,
    path: String,
    id: Option<String>,
    version: Option<i32>,
    key: Option<String>,
    body: Option<Vec<u8>>,
}

impl Call {
    fn of(collection: &str, index: usize, item: BulkItem) -> Result<Self, FieldError> {
        let required = |field: &str| FieldError {
            pointer: format!("/items/{index}/{field}"),
            code: FieldCode::Required,
        };
        let data = item.data.map(|data| data.to_string().into_bytes());
        let id = item.id.map(SingleLine::into_string);
        // An identifier is one segment of a path, whatever it contains.
        let of_one = |id: &Option<String>| {
            let id = id.as_ref().ok_or_else(|| required("id"))?;
            let id = form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
            Ok(format!("{collection}/{id}"))
        };
        let (method, path, body) = match item.op {
            BulkAction::Create => {
                let data = data.ok_or_else(|| required("data"))?;
                (Method::POST, collection.to_owned(), Some(data))
            }
            BulkAction::Update => {
                let data = data.ok_or_else(|| required("data"))?;
                (Method::PATCH, of_one(&id)?, Some(data))
            }
            BulkAction::Delete => (Method::DELETE, of_one(&id)?, None),
        };
        Ok(Self {
            method,
            path,
            id,
            version: item.version.map(Int::get),
            key: item.key.map(SingleLine::into_string),
            body,
        })
    }

    async fn run(
        &self,
        single: &Router,
        info: &RequestInfo,
        headers: &HeaderMap,
    ) -> Result<BulkResult, Problem> {
        let mut request = Request::new(Body::from(self.body.clone().unwrap_or_default()));
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers(headers);
        *request.uri_mut() = format!("{BASE}{}", self.path)
            .parse()
            .map_err(|_| problem::NOT_FOUND.problem())?;
        let (mut parts, body) = request.into_parts();
        let own = RequestInfo::new(&parts, info.id().to_owned(), info.address());
        let permits = PermitGuard(own.clone());
        parts.extensions.insert(own.clone());
        parts.uri = self
            .path
            .parse()
            .map_err(|_| problem::NOT_FOUND.problem())?;
        let answer = single
            .clone()
            .oneshot(Request::from_parts(parts, body))
            .await;
        let mut answer = answer.unwrap_or_else(|never| match never {});
        drop(permits);
        if let Some(caller) = own.caller() {
            info.set_caller(caller.clone());
        }
        if let Some(quota) = own.quota() {
            info.set_quota(*quota);
        }
        if let Some(refused) = answer.extensions_mut().remove::<Problem>() {
            return Err(refused);
        }
        let status = answer.status();
        if !status.is_success() {
            return Err(problem::kind_of_status(status).problem());
        }
        if own.is_write_lost() {
            return Err(Problem::internal(
                "the handler answered with success without a commit",
            ));
        }
        let bytes = axum::body::to_bytes(answer.into_body(), MAX_ANSWER).await;
        let document: Value =
            serde_json::from_slice(&bytes.unwrap_or_default()).unwrap_or_default();
        Ok(BulkResult {
            status: status.as_u16(),
            id: document["id"]
                .as_str()
                .map(str::to_owned)
                .or(self.id.clone()),
            version: document["version"].as_i64(),
            problem: None,
        })
    }

    fn headers(&self, outer: &HeaderMap) -> HeaderMap {
        let mut headers = outer.clone();
        for name in NOT_FOR_ITEMS {
            headers.remove(name);
        }
        headers.remove("idempotency-key");
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        let version = self.version.map(|version| format!("\"{version}\""));
        if let Some(Ok(version)) = version.map(HeaderValue::try_from) {
            headers.insert(header::IF_MATCH, version);
        }
        // A key that is no header is refused by the operation, like one that is too long.
        let key = self.key.as_deref().map(str::as_bytes);
        if let Some(Ok(key)) = key.map(HeaderValue::from_bytes) {
            headers.insert("idempotency-key", key);
        }
        headers
    }
}

impl BulkResult {
    fn refused(refusal: &Problem, id: Option<String>, info: &RequestInfo) -> Self {
        Self {
            status: refusal.status().as_u16(),
            id,
            version: None,
            problem: Some(refusal.document(info.language(), info.path(), info.id())),
        }
    }
}

/// The description of the bulk write of a collection such as `/tickets`.
pub(crate) fn describe(collection: &str) -> (HttpMethod, OperationDoc) {
    let things = collection.trim_start_matches('/').replace(['/', '-'], "_");
    let words = things.replace('_', " ");
    let results = ContentBuilder::new()
        .schema(Some(RefOr::Ref(Ref::from_schema_name("BulkResults"))))
        .build();
    let answer = ResponseBuilder::new()
        .description("One result for each item, in the order of the request.")
        .content("application/json", results);
    let operation = OperationBuilder::new()
        .operation_id(Some(format!("bulk_write_{things}")))
        .summary(Some(format!("Write many {words}")))
        .description(Some(format!(
            "Creates, changes and deletes up to 200 {words}. Each item is what a single request would be: the same permission, checks, audit and \
             transaction, and it counts as one request of the rate limit. An item that is refused does not concern the others. Items for which the time does not \
             suffice have the status 503; send them again."
        )))
        .response("200", answer)
        .securities(Some([
            SecurityRequirement::new::<_, [&str; 0], &str>("bearer", []),
            SecurityRequirement::new::<_, [&str; 0], &str>("api_key", []),
        ]))
        .build();
    let mut doc = OperationDoc::new(format!("{collection}/bulk"), operation);
    doc.extend("x-permission", "signed in");
    json_body::<BulkWrite>(&mut doc);
    doc.schemas.push((
        "BulkResults".to_owned(),
        <BulkResults as utoipa::PartialSchema>::schema(),
    ));
    BulkResults::schemas(&mut doc.schemas);
    for kind in [
        &problem::UNAVAILABLE,
        &problem::OVERLOADED,
        &problem::RATE_LIMITED,
    ] {
        doc.refuses(kind);
    }
    (HttpMethod::Post, doc)
}

/// The route of the bulk write of a collection.
pub(crate) fn route(collection: &'static str, single: Router) -> Router {
    let handler = async move |info: RequestInfo, headers: HeaderMap, body: ValidJson<BulkWrite>| {
        write(collection, single.clone(), info, headers, body.value).await
    };
    Router::new().route(&format!("{collection}/bulk"), axum::routing::post(handler))
}
