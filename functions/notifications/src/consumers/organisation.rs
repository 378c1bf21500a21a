//! Emails to the admins of an organisation about its status, quotas, API keys and domains.

use ::events::{ConsumeError, Envelope, UnitOfWork};
use chrono::{DateTime, Utc};

use super::{Notice, queue_messages};
use crate::{
    App,
    domain::{
        mail_content::{MailParams, format_time},
        recipients::Recipient,
        template::Template,
    },
    events::{
        ApiKeyExpiring, DomainFailing, DomainReleased, QuotaWarning, TenantClosing, TenantPastDue,
        TenantReactivated, TenantSuspended,
    },
    store::people,
};

/// Notifies the admins that a quota is nearly or fully used.
pub(super) async fn quota_warning(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    warning: QuotaWarning,
) -> Result<(), ConsumeError> {
    let params = MailParams {
        metric: Some(warning.metric),
        percent: Some(warning.threshold.to_string()),
        ..MailParams::default()
    };
    notify_admins(unit, event, Template::QuotaWarning, params).await
}

/// Notifies the admins that their organisation is past due.
pub(super) async fn past_due(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    _: TenantPastDue,
) -> Result<(), ConsumeError> {
    notify_admins(unit, event, Template::TenantPastDue, at(event.time)).await
}

/// Notifies the admins that their organisation was suspended.
pub(super) async fn suspended(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    _: TenantSuspended,
) -> Result<(), ConsumeError> {
    notify_admins(unit, event, Template::TenantSuspended, at(event.time)).await
}

/// Notifies the admins that their organisation was reactivated.
pub(super) async fn reactivated(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    _: TenantReactivated,
) -> Result<(), ConsumeError> {
    notify_admins(unit, event, Template::TenantReactivated, at(event.time)).await
}

/// Notifies the admins that their organisation will be closed.
pub(super) async fn closing(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    closing: TenantClosing,
) -> Result<(), ConsumeError> {
    let params = at(closing.closes_at.unwrap_or(event.time));
    notify_admins(unit, event, Template::TenantClosing, params).await
}

/// Notifies the admins that an API key expires, unless it was revoked in the meantime.
pub(super) async fn api_key_expiring(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    expiring: ApiKeyExpiring,
) -> Result<(), ConsumeError> {
    let Some(name) = people::find_api_key_name(unit, expiring.api_key_id).await? else {
        return Ok(());
    };
    let params = at(expiring.expires_at).about(name);
    notify_admins(unit, event, Template::ApiKeyExpiring, params).await
}

/// Notifies the admins that the proof of a host is missing.
pub(super) async fn domain_failing(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    failing: DomainFailing,
) -> Result<(), ConsumeError> {
    let params = at(failing.released_at).about(failing.host);
    notify_admins(unit, event, Template::DomainFailing, params).await
}

/// Notifies the admins that a host was released, unless the organisation removed it itself.
pub(super) async fn domain_released(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    released: DomainReleased,
) -> Result<(), ConsumeError> {
    if released.why != "proof_missing" {
        return Ok(());
    }
    let params = at(event.time).about(released.host);
    notify_admins(unit, event, Template::DomainReleased, params).await
}

fn at(time: DateTime<Utc>) -> MailParams {
    MailParams {
        at: Some(format_time(time)),
        ..MailParams::default()
    }
}

async fn notify_admins(
    unit: &mut UnitOfWork,
    event: &Envelope,
    template: Template,
    params: MailParams,
) -> Result<(), ConsumeError> {
    let admins = people::list_admins(unit).await?.into_iter();
    let notice = Notice {
        recipients: admins.map(|user| Recipient { user, template }).collect(),
        params,
        ..Notice::default()
    };
    queue_messages(unit, event, notice).await
}
