//! CORS (Fetch standard), with exact origin matches only.
//!
//! A preflight carries no credentials, so it is allowed for the origin of any tenant. The request itself is only served if
//! its origin belongs to the caller's tenant.

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

const ALLOWED_METHODS: HeaderValue =
    HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, HEAD");
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Accept-Language, X-API-Key, X-CSRF-Token, X-Request-Id, X-Tenant-Id, X-Reason, X-File-Grant, Range, If-Range, \
     Tus-Resumable, Upload-Length, Upload-Offset, Upload-Defer-Length, Upload-Metadata, Upload-Checksum, X-HTTP-Method-Override, X-Requested-With",
);
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "ETag, Location, Link, X-Next-Sync, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, X-Request-Id, Accept-Ranges, Content-Range, Content-Disposition, \
     Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, Upload-Defer-Length, Upload-Expires",
);

/// Wraps a router in the CORS layer.
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
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
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
            .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
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

/// On every response, including errors: a cache must not serve one origin's response to another.
fn vary(mut response: Response) -> Response {
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("Origin"));
    response
}

/// Lets pages of a cached origin read an error response, without any lookup.
pub(crate) async fn expose_to_known_origin(
    app: &AppState,
    origin: Option<HeaderValue>,
    mut response: Response,
) -> Response {
    if let Some(origin) = origin
        && let Ok(text) = origin.to_str()
        && (is_own_origin(app, text) || app.authenticator().is_known_origin(text).await)
    {
        allow(response.headers_mut(), origin);
        response
            .headers_mut()
            .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
    vary(response)
}

async fn is_known(app: &AppState, origin: &str) -> Result<bool, Problem> {
    Ok(is_own_origin(app, origin)
        || app
            .authenticator()
            .tenant_of_origin(origin)
            .await?
            .is_some())
}

/// Whether the origin is the platform's own, or in local development any port of the loopback interface.
fn is_own_origin(app: &AppState, origin: &str) -> bool {
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
    /// A web page of an unknown origin or another organisation used this credential.
    ORIGIN_NOT_ALLOWED = FORBIDDEN "origin_not_allowed" {
        de: "Herkunft nicht erlaubt", "Diese Webseite gehört nicht zu der Organisation, für die Sie angemeldet sind.";
        en: "Origin not allowed", "This web page does not belong to the organisation you are signed in to.";
    }
}

/// Whether a page of this origin may act for `tenant`; for requests with a cookie or without credentials.
pub async fn is_allowed(
    app: &AppState,
    origin: &str,
    tenant: Option<TenantId>,
) -> Result<bool, Problem> {
    if is_own_origin(app, origin) {
        return Ok(true);
    }
    let owner = app.authenticator().tenant_of_origin(origin).await?;
    Ok(owner.is_some() && owner == tenant)
}

/// Rejects browser requests from an origin that does not belong to the caller's tenant.
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
