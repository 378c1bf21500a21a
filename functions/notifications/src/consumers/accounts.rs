//! Emails about a user's account, so that they notice changes and access by someone else.

use ::events::{ConsumeError, Envelope, UnitOfWork};
use ids::UserId;

use super::{Notice, queue_messages};
use crate::{
    App,
    domain::{
        mail_content::{MailParams, format_time},
        template::Template,
    },
    events::{
        EmailChangeRequested, MfaDisabled, MfaEnabled, PasswordChanged, SessionImpersonated,
        SessionNewDevice,
    },
};

/// Notifies the user that someone views their account.
pub(super) async fn account_viewed(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    impersonated: SessionImpersonated,
) -> Result<(), ConsumeError> {
    let notice = Notice::to(impersonated.user_id, Template::AccountViewed);
    queue_messages(unit, event, notice).await
}

/// Notifies the user of an added second factor, regardless of who added it.
pub(super) async fn mfa_enabled(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    enabled: MfaEnabled,
) -> Result<(), ConsumeError> {
    let notice = Notice::to(enabled.user_id, Template::MfaEnabled);
    queue_messages(unit, event, notice).await
}

/// Notifies the user of a removed second factor, regardless of who removed it.
pub(super) async fn mfa_disabled(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    disabled: MfaDisabled,
) -> Result<(), ConsumeError> {
    let notice = Notice::to(disabled.user_id, Template::MfaDisabled);
    queue_messages(unit, event, notice).await
}

/// Notifies the user at the present address of a requested change.
pub(super) async fn email_change_requested(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    requested: EmailChangeRequested,
) -> Result<(), ConsumeError> {
    let notice = account_notice(event, requested.user_id, Template::EmailChangeRequested);
    queue_messages(unit, event, notice).await
}

/// Notifies the user of a new password.
pub(super) async fn password_changed(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    changed: PasswordChanged,
) -> Result<(), ConsumeError> {
    let notice = account_notice(event, changed.user_id, Template::PasswordChanged);
    queue_messages(unit, event, notice).await
}

/// Notifies the user of a sign-in from a new device.
pub(super) async fn new_device(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    session: SessionNewDevice,
) -> Result<(), ConsumeError> {
    let mut notice = account_notice(event, session.user_id, Template::NewDevice);
    notice.params.device = session.device;
    queue_messages(unit, event, notice).await
}

/// A notice with the time of the event.
fn account_notice(event: &Envelope, user: UserId, template: Template) -> Notice<'static> {
    Notice {
        params: MailParams {
            at: Some(format_time(event.time)),
            ..MailParams::default()
        },
        key_suffix: Some("notice"),
        ..Notice::to(user, template)
    }
}
