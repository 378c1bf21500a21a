//! A response body that holds the permits of its request until it has been written.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::request::PermitGuard;

/// Holds the permits for as long as a body in memory lives: a client that reads slowly keeps its share in use. A stream has no
/// known size and little memory, and may last for hours: it releases them.
pub(super) fn hold(body: Body, permits: PermitGuard) -> Body {
    match body.size_hint().exact() {
        Some(size) if size > 0 => Body::new(HeldBody {
            body,
            _permits: permits,
        }),
        _ => body,
    }
}

struct HeldBody {
    body: Body,
    _permits: PermitGuard,
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
