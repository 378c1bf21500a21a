//! Event consumers: they decide who is notified and queue a message each, nothing else.

mod accounts;
pub(crate) mod links;
mod organisation;
mod tickets;

use crate::ids::MessageId;
use ::events::{ConsumeError, Consumers, Envelope, UnitOfWork};
use access::TenantStatus;
use chrono::TimeDelta;
use ids::UserId;

use crate::{
    App,
    branding::Branding,
    domain::{
        language,
        mail_content::{MailContent, MailParams},
        recipients::Recipient,
        suppression,
        template::Template,
    },
    erasure::ERASURE,
    store::{
        messages::{self, NewMessage},
        people,
    },
    texts,
};

/// Messages about older events are stored as suppressed. Messages with a one-time link are always sent.
const MAX_NEWS_AGE: TimeDelta = TimeDelta::days(3);

/// The consumers of this function.
pub(crate) fn all() -> Consumers<App> {
    Consumers::new("notifications")
        .on("ticket_created", tickets::ticket_created)
        .on("ticket_commented", tickets::ticket_commented)
        .on("ticket_assigned", tickets::ticket_assigned)
        .on("ticket_ended", tickets::ticket_resolved)
        .on("ticket_ended", tickets::ticket_closed)
        .on("account_viewed", accounts::account_viewed)
        .on("one_time_link", links::one_time_link)
        .on("second_factor", accounts::mfa_enabled)
        .on("second_factor", accounts::mfa_disabled)
        .on("account_notice", accounts::email_change_requested)
        .on("account_notice", accounts::password_changed)
        .on("account_notice", accounts::new_device)
        .on("account_notice", accounts::email_replaced)
        .on("account_notice", accounts::role_changed)
        .on("account_notice", accounts::identity_linked)
        .on("account_notice", accounts::identity_unlinked)
        .on("account_notice", accounts::recovery_code_used)
        .on("quota_warning", organisation::quota_warning)
        .on("organisation", organisation::past_due)
        .on("organisation", organisation::suspended)
        .on("organisation", organisation::reactivated)
        .on("organisation", organisation::closing)
        .on("organisation", organisation::api_key_expiring)
        .on("organisation", organisation::domain_failing)
        .on("organisation", organisation::domain_released)
        .erasing(&ERASURE)
}

/// A message to queue for each recipient.
#[derive(Clone, Debug, Default)]
struct Notice<'a> {
    recipients: Vec<Recipient>,
    params: MailParams,
    /// The encrypted token of a one-time link.
    sealed: Option<&'a [u8]>,
    /// An address other than the person's.
    address: Option<&'a str>,
    /// Distinguishes two messages to one person about one event.
    key_suffix: Option<&'a str>,
}

impl Notice<'_> {
    /// A message to one person without parameters.
    fn to(user: UserId, template: Template) -> Self {
        Self {
            recipients: vec![Recipient { user, template }],
            ..Self::default()
        }
    }
}

/// Queues a message for each recipient, in their language. Recipients without an enabled account are skipped.
async fn queue_messages(
    unit: &mut UnitOfWork,
    event: &Envelope,
    notice: Notice<'_>,
) -> Result<(), ConsumeError> {
    if notice.recipients.is_empty() {
        return Ok(());
    }
    let now = unit.now();
    let Some(tenant) = people::find_tenant(unit).await? else {
        return Err(ConsumeError::Poison("tenant not found".to_owned()));
    };
    // The tenant may already be erased; a new message would remain.
    if tenant.status == TenantStatus::Closed {
        return Ok(());
    }
    let branding = Branding::from_settings(&tenant.name, &tenant.settings);
    let ids: Vec<_> = notice
        .recipients
        .iter()
        .map(|recipient| recipient.user)
        .collect();
    let addressees = people::list_addressees(unit, &ids).await?;
    for Recipient { user, template } in &notice.recipients {
        let addressee = addressees.iter().find(|person| person.id == *user);
        let Some(person) = addressee.filter(|person| suppression::can_receive_mail(&person.status))
        else {
            continue;
        };
        let language = language::choose(&person.locale, &tenant.locale);
        let params = notice.params.clone().in_time_zone(&person.time_zone);
        let content = MailContent::new(
            &branding.name,
            &branding.colour,
            Some(&person.name),
            &params,
            language,
        );
        let subject = texts::render_subject(*template, language, &content)
            .map_err(|error| ConsumeError::Retry(error.to_string()))?;
        let is_outdated = notice.sealed.is_none() && event.time < now - MAX_NEWS_AGE;
        let suffix = notice.key_suffix.unwrap_or("mail");
        let message = NewMessage {
            id: MessageId::at(now),
            dedup_key: format!("{}/{user}/{suffix}", event.id),
            template: *template,
            language,
            recipient: *user,
            address: notice.address.unwrap_or(&person.email),
            subject: &subject,
            params: &params,
            sealed: notice.sealed,
            suppressed: is_outdated.then_some("the event is older than three days"),
        };
        messages::insert_message(unit, &message).await?;
    }
    Ok(())
}
