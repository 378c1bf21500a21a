//! Post-processing of every response.

use std::time::Duration;

use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{self, Entry},
};

use crate::{
    Problem, RequestInfo, etag,
    problem::{self, kind_of_status},
    request::X_REQUEST_ID,
    telemetry::cloud::is_cloud,
};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");
const DENY_ALL_CSP: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Renders problems, handles conditional requests, and sets the headers of all responses.
pub(super) fn finish(mut response: Response, info: &RequestInfo, request: &HeaderMap) -> Response {
    let refusal = response.extensions_mut().remove::<Problem>();
    if let Some(refusal) = refusal.or_else(|| framework_error(&response)) {
        response = document(response, &refusal, info);
    } else if response.status() == StatusCode::OK
        && matches!(*info.method(), Method::GET | Method::HEAD)
        && response
            .headers()
            .get(header::ETAG)
            .is_some_and(|tag| etag::is_not_modified(request, tag))
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(info.id()) {
        headers.insert(X_REQUEST_ID, id);
    }
    if let Some(quota) = info.quota() {
        quota.write_headers(headers);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    // What another site may embed says so itself: previews and downloads.
    insert_if_absent(headers, CORP, HeaderValue::from_static("same-origin"));
    insert_if_absent(headers, COOP, HeaderValue::from_static("same-origin"));
    insert_if_absent(headers, header::CACHE_CONTROL, NO_STORE);
    insert_if_absent(headers, header::CONTENT_SECURITY_POLICY, DENY_ALL_CSP);
    insert_if_absent(
        headers,
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

fn insert_if_absent(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if let Entry::Vacant(vacant) = headers.entry(name) {
        vacant.insert(value);
    }
}

/// The problem for an error response of the framework itself: unknown route, wrong method.
fn framework_error(response: &Response) -> Option<Problem> {
    let status = response.status();
    let is_problem = response.headers().get(header::CONTENT_TYPE) == Some(&PROBLEM_JSON);
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let kind = kind_of_status(status);
    if kind == &problem::INTERNAL_ERROR {
        tracing::error!(%status, "framework error");
    }
    // The decompression layer is the only one that rejects a media type by itself.
    Some(
        kind.problem()
            .argument("expected", "Content-Encoding gzip, br"),
    )
}

fn document(answered: Response, refusal: &Problem, info: &RequestInfo) -> Response {
    let language = info.language();
    let document = refusal.document(language, info.path(), info.id());
    let mut response = Response::new(Body::from(document.to_string()));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.extend(answered.headers().clone());
    headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(language.tag()),
    );
    headers.remove(header::CONTENT_LENGTH);
    for (name, value) in refusal.headers() {
        headers.append(name, value.clone());
    }
    if refusal.kind().status == StatusCode::SERVICE_UNAVAILABLE {
        insert_if_absent(headers, header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Unknown methods share one label value: a client could otherwise create an unbounded number of time series.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Writes one log line and one measurement. Never bodies, tokens or email addresses.
pub(super) fn record(info: &RequestInfo, route: &str, response: &Response, took: Duration) {
    let status = response.status().as_u16();
    let caller = info.caller();
    let route = route
        .strip_prefix("/api/v1")
        .map_or_else(|| route.to_owned(), |rest| format!("/api{rest}"));
    let labels = [
        ("method", method_label(info.method()).to_owned()),
        ("route", route.clone()),
        ("status", status.to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels[..2]).record(took.as_secs_f64());
    let tenant = caller.map(|caller| caller.tenant.to_string());
    let actor = caller.map(|caller| caller.actor.as_str());
    // Two variants, because field names are fixed at compile time.
    macro_rules! line {
        ($level:ident) => {
            if is_cloud() {
                tracing::$level!(
                    request_id = info.id(), route, tenant, actor,
                    http_request.request_method = %info.method(),
                    // Never the URL itself: it may contain a signature.
                    http_request.request_url = route,
                    http_request.status = status,
                    http_request.latency = %format_args!("{:.6}s", took.as_secs_f64()),
                    "request"
                );
            } else {
                let duration_ms = took.as_secs_f64() * 1_000.0;
                tracing::$level!(
                    request_id = info.id(), method = %info.method(), route, status, duration_ms, tenant, actor, "request"
                );
            }
        };
    }
    if status >= 500 {
        line!(error);
    } else {
        line!(info);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_share_one_label() {
        for method in [Method::GET, Method::DELETE, Method::OPTIONS] {
            assert_eq!(method_label(&method), method.as_str());
        }
        for method in ["ABC1", "get", "PROPFIND"] {
            assert_eq!(method_label(&method.parse().unwrap()), "other");
        }
    }
}
