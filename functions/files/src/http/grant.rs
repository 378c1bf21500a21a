//! The file grant of another context that a request may present.

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

/// The `X-File-Grant` header of a request. It is verified once the caller is known.
#[derive(Debug)]
pub(crate) struct FileGrantHeader(HeaderMap);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for FileGrantHeader {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        let mut headers = HeaderMap::new();
        for value in parts.headers.get_all(HEADER) {
            headers.append(HEADER, value.clone());
        }
        Ok(Self(headers))
    }
}

impl FileGrantHeader {
    /// The grant, if one is presented. Fails if it was not issued to this caller or has expired.
    pub(crate) fn verify<P: Permission>(
        self,
        app: &App,
        caller: &Caller<P>,
    ) -> Result<Option<FileGrant>> {
        let mut values = self.0.get_all(HEADER).iter();
        let Some(text) = values.next() else {
            return Ok(None);
        };
        let now = app.state.clock().now();
        let tenant = caller.tenant.id;
        let read = |text| FileGrant::verify(text, app.state.keyring(), tenant, caller.actor, now);
        match (text.to_str().ok().and_then(read), values.next()) {
            (Some(grant), None) => Ok(Some(grant)),
            _ => Err(GRANT_INVALID.problem()),
        }
    }
}

impl Arg for FileGrantHeader {
    fn describe(doc: &mut OperationDoc) {
        doc.reads(header(
            "X-File-Grant",
            "A grant for the files of a resource, from the context that owns the resource: `GET /tickets/{id}/file-grant`.",
            "MDE5YWIxZjI.c2lnbmF0dXJl",
        ));
        doc.refuses(&GRANT_INVALID);
    }
}
