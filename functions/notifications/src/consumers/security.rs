//! Mails that warn: something about signing in has changed.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;
use ids::UserId;
use serde::Deserialize;

use super::{Special, data, keep};
use crate::{
    App,
    domain::{letter::Params, recipients::Wanted, template::Template},
    events::MFA_ENABLED,
};

/// The data of an event about second factors.
#[derive(Deserialize)]
struct Changed {
    user_id: UserId,
}

/// Somebody has one second factor more or fewer: they hear of it, whoever did it.
pub(super) async fn second_factor(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let changed: Changed = data(event)?;
    let template = if event.r#type == MFA_ENABLED {
        Template::MfaEnabled
    } else {
        Template::MfaDisabled
    };
    let wanted = Wanted {
        recipient: changed.user_id,
        template,
    };
    keep(
        app,
        tx,
        event,
        &[wanted],
        &Params::default(),
        Special::default(),
    )
    .await
}
