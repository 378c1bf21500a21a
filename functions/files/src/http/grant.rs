//! The grant of another context that a request may carry.

use access::{
    Caller, Permission,
    file_grant::{FileGrant, HEADER},
};
use http::HeaderMap;
use web::{
    openapi::{Arg, OperationDoc, header},
    problem::Result,
};

use crate::{App, error::GRANT_INVALID};

/// What the request presents; looked at when it is known who presents it.
#[derive(Debug)]
pub(crate) struct Presented(HeaderMap);

/// What was opened to this caller, if anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Granted(pub(crate) Option<FileGrant>);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Presented {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        let mut own = HeaderMap::new();
        for value in parts.headers.get_all(HEADER) {
            own.append(HEADER, value.clone());
        }
        Ok(Self(own))
    }
}

impl Presented {
    /// The grant, if it is for this caller.
    pub(crate) fn check<P: Permission>(self, app: &App, caller: &Caller<P>) -> Result<Granted> {
        let mut presented = self.0.get_all(HEADER).iter();
        let Some(text) = presented.next() else {
            return Ok(Granted(None));
        };
        let now = app.gate.clock().now();
        let tenant = caller.tenant.id;
        let read = |text| FileGrant::read(text, app.gate.keyring(), tenant, caller.actor, now);
        match (text.to_str().ok().and_then(read), presented.next()) {
            (Some(grant), None) => Ok(Granted(Some(grant))),
            _ => Err(GRANT_INVALID.problem()),
        }
    }
}

impl Arg for Presented {
    fn describe(doc: &mut OperationDoc) {
        doc.reads(header(
            "X-File-Grant",
            "Leave to see and add the files of a thing, from whoever owns it: `GET /tickets/{id}/file-grant`.",
            "MDE5YWIxZjI.c2lnbmF0dXJl",
        ));
        doc.refuses(&GRANT_INVALID);
    }
}
