//! Serves the router on AWS Lambda behind API Gateway: each event is a request.

use std::{
    future::{Future, ready},
    net::IpAddr,
    pin::Pin,
};

use axum::{Router, response::Response};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, header,
    uri::{PathAndQuery, Uri},
};
use http_body_util::BodyExt;
use lambda_http::{
    Body, Error, IntoResponse, Request, RequestExt,
    request::RequestContext,
    tower::{ServiceBuilder, ServiceExt},
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::edge::Peer;

/// Characters that end a path or are invalid in one: HTTP APIs pass decoded paths.
const PATH_ESCAPES: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`');

/// Serves events of HTTP APIs and REST APIs until the runtime ends the process.
pub async fn serve(router: Router) -> Result<(), Error> {
    let service = ServiceBuilder::new()
        .service(router)
        .map_request(original_request)
        .map_err(Error::from)
        .and_then(LambdaResponse::new);
    lambda_http::run(service).await
}

/// Restores the request as the client sent it: the path without the gateway's stage, and the client's address.
fn original_request(mut request: Request) -> Request {
    let context = request.request_context_ref();
    let stage = context.and_then(stage).map(str::to_owned);
    let peer = context.and_then(address);
    let path = without_stage(request.raw_http_path(), stage.as_deref());
    if let Some(uri) = uri_of(path, request.uri().query()) {
        *request.uri_mut() = uri;
    }
    if let Some(peer) = peer {
        request.extensions_mut().insert(Peer(peer));
    }
    request
}

/// The stage that prefixes the path: HTTP APIs add it, REST APIs do not.
fn stage(context: &RequestContext) -> Option<&str> {
    match context {
        RequestContext::ApiGatewayV2(context) => context.stage.as_deref(),
        _ => None,
    }
}

fn address(context: &RequestContext) -> Option<IpAddr> {
    let text = match context {
        RequestContext::ApiGatewayV1(context) => context.identity.source_ip.as_deref(),
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref(),
        _ => None,
    };
    text?.parse().ok()
}

fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    stage
        .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
}

fn uri_of(path: &str, query: Option<&str>) -> Option<Uri> {
    let path = utf8_percent_encode(path, PATH_ESCAPES);
    let whole = match query {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path.to_string()),
    };
    whole.ok().map(Uri::from)
}

/// The response for the gateway. The library would decode every body declared as text and so change bytes of other charsets.
struct LambdaResponse(http::Response<Body>);

impl LambdaResponse {
    /// Collects the response; if the body fails, the gateway responds with 502.
    async fn new(response: Response) -> Result<Self, Error> {
        let (mut parts, body) = response.into_parts();
        let bytes = body.collect().await?.to_bytes();
        join_repeated_headers(&mut parts.headers);
        let body = encode_body(&parts.headers, &bytes);
        Ok(Self(http::Response::from_parts(parts, body)))
    }
}

impl IntoResponse for LambdaResponse {
    fn into_response(self) -> Pin<Box<dyn Future<Output = http::Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}

/// Joins repeated headers: responses of HTTP APIs have one value per header, and the library takes the first. `Set-Cookie`
/// is passed separately.
fn join_repeated_headers(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers
        .keys()
        .filter(|name| **name != header::SET_COOKIE)
        .filter(|name| headers.get_all(*name).iter().nth(1).is_some())
        .cloned()
        .collect();
    for name in names {
        let lines: Vec<&[u8]> = headers
            .get_all(&name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        if let Ok(line) = HeaderValue::from_bytes(&lines.join(&b", "[..])) {
            headers.insert(name, line);
        }
    }
}

/// Text if it is text, base64 otherwise.
fn encode_body(headers: &HeaderMap, bytes: &Bytes) -> Body {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let readable = kind.starts_with("text/") || kind.contains("json");
    match std::str::from_utf8(bytes) {
        Ok("") => Body::Empty,
        Ok(text) if readable && !headers.contains_key(header::CONTENT_ENCODING) => {
            Body::Text(text.to_owned())
        }
        _ => Body::Binary(bytes.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(event: serde_json::Value) -> Request {
        original_request(lambda_http::request::from_str(&event.to_string()).unwrap())
    }

    #[test]
    fn an_http_api_with_a_stage_gives_the_path_the_query_and_the_address_of_the_client() {
        let request = sent(serde_json::json!({
            "version": "2.0", "rawPath": "/prod/api/v1/tickets", "rawQueryString": "limit=2&status=open",
            "headers": {"host": "api.example.org", "authorization": "Bearer x"},
            "requestContext": {
                "stage": "prod", "http": {"method": "GET", "path": "/prod/api/v1/tickets", "sourceIp": "203.0.113.9"}
            },
            "isBase64Encoded": false
        }));
        assert_eq!(request.uri(), "/api/v1/tickets?limit=2&status=open");
        let peer = request.extensions().get::<Peer>().unwrap();
        assert_eq!(peer.0.to_string(), "203.0.113.9");
    }

    #[test]
    fn a_rest_api_leaves_its_stage_out_and_one_value_stays_one_value() {
        let request = sent(serde_json::json!({
            "resource": "/{proxy+}", "path": "/api/v1/tickets", "httpMethod": "POST",
            "headers": {"authorization": "Bearer x"},
            "multiValueHeaders": {"authorization": ["Bearer x"]},
            "queryStringParameters": {"a": "2"}, "multiValueQueryStringParameters": {"a": ["1", "2"]},
            "requestContext": {"stage": "prod", "identity": {"sourceIp": "2001:db8::1"}, "httpMethod": "POST"},
            "body": "aGVsbG8=", "isBase64Encoded": true
        }));
        assert_eq!(request.uri(), "/api/v1/tickets?a=1&a=2");
        assert_eq!(request.headers().get_all("authorization").iter().count(), 1);
        assert_eq!(request.body().as_ref(), b"hello");
        let peer = request.extensions().get::<Peer>().unwrap();
        assert_eq!(peer.0.to_string(), "2001:db8::1");
    }

    #[test]
    fn the_stage_of_a_rest_api_may_equal_a_path_prefix() {
        let request = sent(serde_json::json!({
            "resource": "/{proxy+}", "path": "/api/v1/tickets", "httpMethod": "GET",
            "requestContext": {"stage": "api", "httpMethod": "GET"}
        }));
        assert_eq!(request.uri(), "/api/v1/tickets");
    }

    #[test]
    fn a_path_that_the_gateway_has_decoded_is_one_path_again() {
        let request = sent(serde_json::json!({
            "version": "2.0", "rawPath": "/prod/api/v1/a b?c#d/ü%20", "rawQueryString": "",
            "headers": {"host": "api.example.org"},
            "requestContext": {"stage": "prod", "http": {"method": "GET", "path": "/"}}
        }));
        assert_eq!(request.uri().path(), "/api/v1/a%20b%3Fc%23d/%C3%BC%20");
    }

    async fn response_body(
        kind: &'static str,
        encoding: Option<&'static str>,
        bytes: &'static [u8],
    ) -> Body {
        let mut response = Response::new(axum::body::Body::from(bytes));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Some(encoding) = encoding {
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        LambdaResponse::new(response)
            .await
            .unwrap()
            .into_response()
            .await
            .into_body()
    }

    #[tokio::test]
    async fn text_goes_as_text_and_everything_else_byte_for_byte() {
        let json = response_body("application/problem+json", None, b"{}").await;
        assert_eq!(json, Body::Text("{}".to_owned()));
        let marked = "\u{feff}a;b\n";
        let csv = response_body("text/csv; charset=utf-8", None, marked.as_bytes()).await;
        assert_eq!(csv, Body::Text(marked.to_owned()));
        let latin = response_body("text/plain", None, b"gr\xfc\xdfe").await;
        assert_eq!(latin, Body::Binary(b"gr\xfc\xdfe".to_vec()));
        let packed = response_body("application/json", Some("gzip"), b"\x1f\x8b").await;
        assert_eq!(packed, Body::Binary(b"\x1f\x8b".to_vec()));
        assert_eq!(response_body("image/png", None, b"").await, Body::Empty);
    }

    #[tokio::test]
    async fn a_response_whose_body_fails_is_an_error() {
        let pieces = futures::stream::iter([
            Ok(Bytes::from_static(b"a")),
            Err(std::io::Error::other("gone")),
        ]);
        let response = Response::new(axum::body::Body::from_stream(pieces));
        assert!(LambdaResponse::new(response).await.is_err());
    }

    #[test]
    fn repeated_headers_are_joined_except_cookies() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("vary", "Origin"),
            ("vary", "Accept-Encoding"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        join_repeated_headers(&mut headers);
        assert_eq!(headers["vary"], "Origin, Accept-Encoding");
        assert_eq!(headers.get_all("vary").iter().count(), 1);
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
    }

    #[test]
    fn a_path_that_only_begins_like_the_stage_keeps_its_beginning() {
        assert_eq!(without_stage("/products/1", Some("prod")), "/products/1");
        assert_eq!(without_stage("/prod/1", Some("$default")), "/prod/1");
        assert_eq!(without_stage("/prod/1", None), "/prod/1");
    }
}
