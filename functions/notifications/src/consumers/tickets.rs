//! Mails about tickets. Events carry identifiers, so the mail names the ticket's number and leads to its page.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;

use super::{Special, data, keep};
use crate::{
    App,
    domain::{
        letter::Params,
        recipients::{Commented, Created},
    },
};

/// A ticket was opened.
pub(super) async fn ticket_created(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let created: Created = data(event)?;
    let wanted = created.wanted();
    let params = Params {
        number: Some(created.number),
        ticket_id: Some(created.ticket_id),
        ..Params::default()
    };
    keep(app, tx, event, &wanted, &params, Special::default()).await
}

/// Somebody commented.
pub(super) async fn ticket_commented(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let commented: Commented = data(event)?;
    let wanted = commented.wanted();
    let params = Params {
        number: Some(commented.number),
        ticket_id: Some(commented.ticket_id),
        ..Params::default()
    };
    keep(app, tx, event, &wanted, &params, Special::default()).await
}
