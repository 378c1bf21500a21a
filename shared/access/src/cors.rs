//! Browsers of other origins: exact matches only (the Fetch standard's CORS protocol).
//!
//! A preflight is answered for the origin of any tenant, because it carries no credential. The request itself is served
//! only if its origin belongs to the credential's tenant.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use ids::TenantId;
use web::{Problem, problem};

use crate::{AppState, Principal};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, HEAD");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Accept-Language, X-API-Key, X-CSRF-Token, X-Request-Id, X-Tenant-Id, X-Reason, X-File-Grant, Range, If-Range, \
     Tus-Resumable, Upload-Length, Upload-Offset, Upload-Defer-Length, Upload-Metadata, Upload-Checksum, X-HTTP-Method-Override, X-Requested-With",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, X-Request-Id, Accept-Ranges, Content-Range, Content-Disposition, \
     Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, Upload-Defer-Length, Upload-Expires",
);

/// Puts the protocol around a router.
pub fn layer(router: Router, app: AppState) -> Router {
    router.layer(from_fn_with_state(app, around))
}

async fn around(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return vary(next.run(request).await);
    };
    let known = match origin.to_str() {
        Ok(text) => match is_known(&app, text).await {
            Ok(known) => known,
            Err(problem) => return vary(problem.into_response()),
        },
        Err(_) => false,
    };
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if preflight {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if known {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            headers.insert(
                header::ACCESS_CONTROL_MAX_AGE,
                HeaderValue::from_static("600"),
            );
            allow(headers, origin);
        }
        return vary(response);
    }
    let mut response = next.run(request).await;
    let refused = response
        .extensions()
        .get::<Problem>()
        .is_some_and(|p| p.kind().code == ORIGIN_NOT_ALLOWED.code);
    if known && !refused {
        allow(response.headers_mut(), origin);
        response
            .headers_mut()
            .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    vary(response)
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
}

/// On every answer, refusals too: a cache must not hand one origin's answer to another.
fn vary(mut response: Response) -> Response {
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("Origin"));
    response
}

/// Lets pages of an origin that was seen lately read a refusal; nothing is looked up for it.
pub(crate) async fn readable(
    app: &AppState,
    origin: Option<HeaderValue>,
    mut response: Response,
) -> Response {
    if let Some(origin) = origin
        && let Ok(text) = origin.to_str()
        && (is_ours(app, text) || app.authenticator().is_known_origin(text).await)
    {
        allow(response.headers_mut(), origin);
        response
            .headers_mut()
            .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    vary(response)
}

async fn is_known(app: &AppState, origin: &str) -> Result<bool, Problem> {
    Ok(is_ours(app, origin)
        || app
            .authenticator()
            .tenant_of_origin(origin)
            .await?
            .is_some())
}

/// The platform's own address, and on a laptop any port of the loopback.
fn is_ours(app: &AppState, origin: &str) -> bool {
    let settings = app.settings();
    let loopback = || {
        let host = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .unwrap_or_default();
        let host = host
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(host, |(host, _)| host);
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    };
    origin == settings.public_url || (settings.local && loopback())
}

web::problems! {
    /// A browser page of another organisation, or of nobody, used this credential.
    ORIGIN_NOT_ALLOWED = FORBIDDEN "origin_not_allowed" {
        de: "Herkunft nicht erlaubt", "Diese Webseite gehört nicht zur Organisation des Zugangs.";
        en: "Origin not allowed", "This web page does not belong to the organisation of the credential.";
    }
}

/// Whether a page of this origin may act for `tenant`: for requests that carry no credential yet, or a cookie.
pub async fn is_allowed(
    app: &AppState,
    origin: &str,
    tenant: Option<TenantId>,
) -> Result<bool, Problem> {
    if is_ours(app, origin) {
        return Ok(true);
    }
    let owner = app.authenticator().tenant_of_origin(origin).await?;
    Ok(owner.is_some() && owner == tenant)
}

/// Refuses a browser's request whose page does not belong to the caller's tenant.
pub(crate) async fn check_origin(
    app: &AppState,
    headers: &HeaderMap,
    principal: &Principal,
) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().map_err(|_| {
        problem::INVALID_HEADER
            .problem()
            .argument("header", "Origin")
    })?;
    if is_allowed(app, origin, Some(principal.tenant.id)).await? {
        Ok(())
    } else {
        Err(ORIGIN_NOT_ALLOWED.problem())
    }
}
