//! What follows once somebody has proved who they are, whichever way they came: a session.

use std::sync::Arc;

use access::{Tenant, audit};
use axum::response::Response;
use chrono::{DateTime, Utc};
use db::TenantTx;
use http::HeaderMap;
use web::{RequestInfo, problem::Result};

use super::session::{Device, Granted, open_session};
use crate::{App, store::users::UserRow};

/// How somebody proved who they are, as RFC 8176 names it where it has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The password.
    Password,
    /// An invitation opened and a password chosen.
    Invite,
    /// The word of another issuer.
    External,
}

impl Proof {
    /// The members that it adds to `amr`.
    pub(crate) fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password | Self::Invite => &["pwd"],
            // RFC 8176 has no name for it.
            Self::External => &["fed"],
        }
    }
}

/// What somebody gets who has proved who they are.
#[derive(Debug)]
pub(crate) enum Entered {
    /// A session.
    Session(Box<Granted>),
}

/// Lets a person in whose first proof was right, in the transaction that used it up.
///
/// The person must be active; whoever calls has checked that.
pub(crate) async fn enter(
    app: &App,
    tx: &mut TenantTx,
    (tenant, user): (Arc<Tenant>, UserRow),
    proof: Proof,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Entered> {
    let amr = proof.amr().iter().map(ToString::to_string).collect();
    let granted = open_session(
        app,
        tx,
        (tenant, user),
        amr,
        (request, headers, device),
        now,
    )
    .await?;
    let entry = audit::Entry::new(
        "identity.session.started",
        "session",
        granted.refresh.session,
    );
    audit::record(tx, request, now, None, entry).await?;
    Ok(Entered::Session(Box::new(granted)))
}

impl Entered {
    /// The answer, once the transaction is committed.
    pub(crate) async fn answer(
        self,
        app: &App,
        device: &Device,
        now: DateTime<Utc>,
    ) -> Result<Response> {
        match self {
            Self::Session(granted) => {
                let signer = app.signer().await?;
                granted.answer(app, &signer, device.mode, now)
            }
        }
    }
}
