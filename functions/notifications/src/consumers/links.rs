//! Emails with a one-time link.

use ::events::{ConsumeError, Envelope, UnitOfWork};
use access::{Keyring, Purpose};
use ids::TenantId;

use super::{Notice, queue_messages};
use crate::{App, domain::template::Template, events::LinkRequested};

/// Sends the one-time link of a registration, an invitation or a request.
pub(super) async fn one_time_link(
    app: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    requested: LinkRequested,
) -> Result<(), ConsumeError> {
    let poison = |reason: &str| ConsumeError::Poison(reason.to_owned());
    let template = Template::from_link_purpose(&requested.purpose)
        .ok_or_else(|| poison("unknown purpose of a one-time link"))?;
    let sealed = event
        .sealed
        .as_deref()
        .ok_or_else(|| poison("the sealed link is missing"))?;
    // The token stays sealed until the email is composed; this only checks that it can be decrypted.
    let link = unseal_link(app.state.keyring(), unit.tenant(), sealed)
        .ok_or_else(|| poison("the sealed link can't be decrypted"))?;
    let notice = Notice {
        sealed: Some(sealed),
        address: link.address.as_deref(),
        ..Notice::to(requested.user_id, template)
    };
    queue_messages(unit, event, notice).await
}

/// The sealed content: the token and, on a second line, the recipient address if it is not the person's yet.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct UnsealedLink {
    pub(crate) token: String,
    address: Option<String>,
}

/// Decrypts a link that was sealed with the tenant's 16 bytes as context.
pub(crate) fn unseal_link(
    keyring: &Keyring,
    tenant: TenantId,
    sealed: &[u8],
) -> Option<UnsealedLink> {
    let plain = keyring
        .open(Purpose::Notifications, tenant.uuid().as_bytes(), sealed)
        .ok()?;
    let text = String::from_utf8(plain).ok()?;
    Some(match text.split_once('\n') {
        Some((token, address)) => UnsealedLink {
            token: token.to_owned(),
            address: Some(address.to_owned()),
        },
        None => UnsealedLink {
            token: text,
            address: None,
        },
    })
}
