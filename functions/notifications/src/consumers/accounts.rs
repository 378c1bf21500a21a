//! Mails about what others do with a person's account.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;
use ids::UserId;
use serde::Deserialize;

use super::{Special, data, keep};
use crate::{
    App,
    domain::{letter::Params, recipients::Wanted, template::Template},
};

/// The data of `session.impersonated`.
#[derive(Deserialize)]
struct Impersonated {
    user_id: UserId,
}

/// Somebody looks at the account: the person whose it is hears of it.
pub(super) async fn account_viewed(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let impersonated: Impersonated = data(event)?;
    let wanted = Wanted {
        recipient: impersonated.user_id,
        template: Template::AccountViewed,
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
