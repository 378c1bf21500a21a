//! Mails with a link that works once.

use ::events::{ConsumeError, Envelope};
use access::{Keyring, Purpose};
use db::TenantTx;
use ids::{TenantId, UserId};
use serde::Deserialize;

use super::{Special, data, keep};
use crate::{
    App,
    domain::{letter::Params, recipients::Wanted, template::Template},
};

/// The data of an event that brings a link.
#[derive(Deserialize)]
struct Linked {
    user_id: UserId,
    purpose: String,
}

/// Somebody registered, was invited, or asks for a link by which something is done.
pub(super) async fn one_time_link(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let linked: Linked = data(event)?;
    let poison = |reason: &str| ConsumeError::Poison(reason.to_owned());
    let template = Template::of_purpose(&linked.purpose)
        .ok_or_else(|| poison("no mail is known for this purpose of a link"))?;
    let sealed = event
        .sealed
        .as_deref()
        .ok_or_else(|| poison("the link is missing"))?;
    // It stays sealed until the mail is written; but what can't be opened now never will be.
    let opened = open(app.gate.keyring(), tx.tenant(), sealed)
        .ok_or_else(|| poison("the link can't be opened"))?;
    let wanted = Wanted {
        recipient: linked.user_id,
        template,
    };
    let special = Special {
        sealed: Some(sealed),
        address: opened.address.as_deref(),
        word: None,
    };
    keep(app, tx, event, &[wanted], &Params::default(), special).await
}

/// What was sealed: the token, and in a line of its own the address that it goes to when that is not the person's yet.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) token: String,
    address: Option<String>,
}

/// What is inside, as its maker sealed it: with the tenant's 16 bytes as context.
pub(crate) fn open(keyring: &Keyring, tenant: TenantId, sealed: &[u8]) -> Option<Opened> {
    let plain = keyring
        .open(Purpose::Notifications, tenant.uuid().as_bytes(), sealed)
        .ok()?;
    let text = String::from_utf8(plain).ok()?;
    Some(match text.split_once('\n') {
        Some((token, address)) => Opened {
            token: token.to_owned(),
            address: Some(address.to_owned()),
        },
        None => Opened {
            token: text,
            address: None,
        },
    })
}
