//! `google.pubsub.v1.Publisher/Publish` over gRPC: a unary call with the status in the trailers.

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{PublishRequest, PublishResponse};
use http_body_util::{BodyExt, Full};
use prost::Message as _;

use super::{FakePubSub, Message};

/// gRPC status codes.
const INVALID: u32 = 3;
const NOT_FOUND: u32 = 5;
const UNAVAILABLE: u32 = 14;

pub(super) async fn publish(State(fake): State<FakePubSub>, body: Bytes) -> Response {
    if fake.state().is_unavailable {
        return answer(UNAVAILABLE, &[]);
    }
    // The frame: compression flag, four bytes of length, message.
    let Some(request) = body
        .get(5..)
        .and_then(|bytes| PublishRequest::decode(bytes).ok())
    else {
        return answer(INVALID, &[]);
    };
    let mut message_ids = Vec::new();
    for message in request.messages {
        let message = Message {
            id: 0,
            data: message.data.clone(),
            attributes: message.attributes.into_iter().collect(),
            ordering_key: message.ordering_key,
        };
        let Some(id) = fake.publish(&request.topic, message) else {
            return answer(NOT_FOUND, &[]);
        };
        message_ids.push(id);
    }
    answer(0, &PublishResponse { message_ids }.encode_to_vec())
}

fn answer(status: u32, message: &[u8]) -> Response {
    let mut framed = Vec::new();
    if status == 0 {
        framed.push(0);
        framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        framed.extend(message);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(status));
    let body = Full::new(Bytes::from(framed)).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(body));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    response
}
