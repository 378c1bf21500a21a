//! Mails to those who manage a tenant: it has used much of what it has licensed.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;
use serde::Deserialize;

use super::{Special, data, keep};
use crate::{
    App,
    domain::{letter::Params, recipients::Wanted, template::Template},
    store::people,
};

/// The data of `quota.warning`.
#[derive(Deserialize)]
struct Warned {
    metric: String,
    threshold: i16,
}

/// So much of a limit was used: every admin hears of it.
pub(super) async fn quota_warning(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let warned: Warned = data(event)?;
    let admins = people::list_admins(tx).await?;
    let wanted: Vec<Wanted> = admins
        .into_iter()
        .map(|recipient| Wanted {
            recipient,
            template: Template::QuotaWarning,
        })
        .collect();
    let params = Params {
        metric: Some(warned.metric),
        percent: Some(warned.threshold.to_string()),
        ..Params::default()
    };
    keep(app, tx, event, &wanted, &params, Special::default()).await
}
