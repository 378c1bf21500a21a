//! Emails about a user's account, so that they notice changes and access by someone else.

use ::events::{ConsumeError, Envelope, UnitOfWork};
use access::Purpose;
use ids::UserId;

use super::{Notice, queue_messages};
use crate::{
    App,
    domain::{
        mail_content::{MailParams, format_time},
        template::Template,
    },
    events::{
        EmailChangeRequested, EmailReplaced, IdentityLinked, IdentityUnlinked, MfaDisabled,
        MfaEnabled, PasswordChanged, RecoveryCodeUsed, SessionImpersonated, SessionNewDevice,
        UserRoleChanged,
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

/// Notifies the user at the old address that someone else replaced it.
pub(super) async fn email_replaced(
    app: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    replaced: EmailReplaced,
) -> Result<(), ConsumeError> {
    let sealed = event.sealed.as_deref().unwrap_or_default();
    let address = app
        .state
        .keyring()
        .open(
            Purpose::Notifications,
            unit.tenant().uuid().as_bytes(),
            sealed,
        )
        .ok()
        .and_then(|plain| String::from_utf8(plain).ok())
        .ok_or_else(|| ConsumeError::Poison("the old address can't be decrypted".to_owned()))?;
    let mut notice = account_notice(event, replaced.user_id, Template::EmailReplaced);
    notice.address = Some(&address);
    queue_messages(unit, event, notice).await
}

/// Notifies the user of a new role.
pub(super) async fn role_changed(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    changed: UserRoleChanged,
) -> Result<(), ConsumeError> {
    let mut notice = account_notice(event, changed.user_id, Template::RoleChanged);
    notice.params = notice.params.about(changed.to);
    queue_messages(unit, event, notice).await
}

/// Notifies the user of an account at a provider that can be used to sign in.
pub(super) async fn identity_linked(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    linked: IdentityLinked,
) -> Result<(), ConsumeError> {
    let mut notice = account_notice(event, linked.user_id, Template::IdentityLinked);
    notice.params = notice.params.about(linked.provider);
    queue_messages(unit, event, notice).await
}

/// Notifies the user of an account at a provider that can no longer be used to sign in.
pub(super) async fn identity_unlinked(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    unlinked: IdentityUnlinked,
) -> Result<(), ConsumeError> {
    let mut notice = account_notice(event, unlinked.user_id, Template::IdentityUnlinked);
    notice.params = notice.params.about(unlinked.provider);
    queue_messages(unit, event, notice).await
}

/// Notifies the user of a used recovery code.
pub(super) async fn recovery_code_used(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    used: RecoveryCodeUsed,
) -> Result<(), ConsumeError> {
    let mut notice = account_notice(event, used.user_id, Template::RecoveryCodeUsed);
    notice.params = notice.params.about(used.left.to_string());
    queue_messages(unit, event, notice).await
}

/// A notice with the time of the event.
fn account_notice<'a>(event: &Envelope, user: UserId, template: Template) -> Notice<'a> {
    Notice {
        params: MailParams {
            at: Some(format_time(event.time)),
            ..MailParams::default()
        },
        key_suffix: Some("notice"),
        ..Notice::to(user, template)
    }
}
