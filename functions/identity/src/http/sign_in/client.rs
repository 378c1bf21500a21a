//! The client of a sign-in, whichever the method.

use http::HeaderMap;
use ids::TenantId;
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    http::sessions::{
        cookie::{self, RefreshMode},
        session::Device,
    },
};

/// A client that wants to sign in a user.
pub(crate) struct Client<'a> {
    pub(crate) app: &'a App,
    pub(crate) request: &'a RequestInfo,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) device: Device,
}

impl<'a> Client<'a> {
    pub(crate) fn new(
        app: &'a App,
        request: &'a RequestInfo,
        headers: &'a HeaderMap,
        device: Device,
    ) -> Self {
        Self {
            app,
            request,
            headers,
            device,
        }
    }

    /// Refuses pages that may not sign in to this tenant; a cookie requires additional headers.
    pub(crate) async fn check_page(&self, tenant: Option<TenantId>) -> Result<()> {
        let (state, headers) = (&self.app.state, self.headers);
        match self.device.mode {
            RefreshMode::Body => cookie::check_page(state, headers, tenant).await,
            RefreshMode::Cookie => cookie::check_csrf(state, headers, tenant).await,
        }
    }
}
