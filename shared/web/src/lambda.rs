//! The same router behind API Gateway: each event is a request, each answer a document.

use std::net::IpAddr;

use axum::Router;
use http::uri::{PathAndQuery, Uri};
use lambda_http::{
    Error, Request, RequestExt,
    request::RequestContext,
    tower::{ServiceBuilder, ServiceExt},
};

use crate::edge::Peer;

/// Serves events of HTTP APIs and REST APIs until the runtime ends the process.
pub async fn serve(router: Router) -> Result<(), Error> {
    let service = ServiceBuilder::new().service(router).map_request(as_sent);
    lambda_http::run(service).await
}

/// The request as the client sent it: the path without the gateway's stage, the address of whoever spoke to the gateway.
fn as_sent(mut request: Request) -> Request {
    let context = request.request_context_ref();
    let stage = context.and_then(stage).map(str::to_owned);
    let peer = context.and_then(address);
    let path = without_stage(request.raw_http_path(), stage.as_deref());
    if let Some(uri) = address_of(path, request.uri().query()) {
        *request.uri_mut() = uri;
    }
    if let Some(peer) = peer {
        request.extensions_mut().insert(Peer(peer));
    }
    request
}

fn stage(context: &RequestContext) -> Option<&str> {
    match context {
        RequestContext::ApiGatewayV1(context) => context.stage.as_deref(),
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

/// HTTP APIs name their stage in front of the path, REST APIs don't.
fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    stage
        .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
}

fn address_of(path: &str, query: Option<&str>) -> Option<Uri> {
    let whole = match query {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    whole.ok().map(Uri::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(event: serde_json::Value) -> Request {
        as_sent(lambda_http::request::from_str(&event.to_string()).unwrap())
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
    fn a_path_that_only_begins_like_the_stage_keeps_its_beginning() {
        assert_eq!(without_stage("/products/1", Some("prod")), "/products/1");
        assert_eq!(without_stage("/prod/1", Some("$default")), "/prod/1");
        assert_eq!(without_stage("/prod/1", None), "/prod/1");
    }
}
