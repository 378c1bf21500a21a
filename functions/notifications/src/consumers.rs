//! Event consumers: they decide who is notified and queue a message each, nothing else.

mod accounts;
pub(crate) mod links;
mod notices;
mod organisation;
mod quotas;
mod security;
mod tickets;

use ::events::{ConsumeError, Consumers, Envelope, erasure::TENANT_CLOSED};
use access::TenantStatus;
use chrono::TimeDelta;
use db::TenantTx;
use ids::MessageId;

use crate::{
    App,
    branding::Branding,
    domain::{
        language,
        mail_content::{MailContent, MailParams},
        recipients::Recipient,
        suppression,
    },
    erasure::ERASURE,
    events::{
        API_KEY_EXPIRING, DOMAIN_FAILING, DOMAIN_RELEASED, EMAIL_CHANGE_REQUESTED,
        MAGIC_LINK_REQUESTED, MFA_DISABLED, MFA_ENABLED, PASSWORD_CHANGED,
        PASSWORD_RESET_REQUESTED, QUOTA_WARNING, SESSION_IMPERSONATED, SESSION_NEW_DEVICE,
        TENANT_CLOSING, TENANT_PAST_DUE, TENANT_REACTIVATED, TENANT_SUSPENDED, TICKET_COMMENTED,
        TICKET_CREATED, USER_INVITED, USER_REGISTERED, VERIFICATION_REQUESTED,
    },
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
        .on("ticket_created", &[TICKET_CREATED], |app, tx, event| {
            Box::pin(tickets::ticket_created(app, tx, event))
        })
        .on("ticket_commented", &[TICKET_COMMENTED], |app, tx, event| {
            Box::pin(tickets::ticket_commented(app, tx, event))
        })
        .on(
            "account_viewed",
            &[SESSION_IMPERSONATED],
            |app, tx, event| Box::pin(accounts::account_viewed(app, tx, event)),
        )
        .on(
            "one_time_link",
            &[
                USER_REGISTERED,
                USER_INVITED,
                VERIFICATION_REQUESTED,
                PASSWORD_RESET_REQUESTED,
                MAGIC_LINK_REQUESTED,
                EMAIL_CHANGE_REQUESTED,
            ],
            |app, tx, event| Box::pin(links::one_time_link(app, tx, event)),
        )
        .on(
            "second_factor",
            &[MFA_ENABLED, MFA_DISABLED],
            |app, tx, event| Box::pin(security::second_factor(app, tx, event)),
        )
        .on(
            "account_notice",
            &[EMAIL_CHANGE_REQUESTED, PASSWORD_CHANGED, SESSION_NEW_DEVICE],
            |app, tx, event| Box::pin(notices::account_notice(app, tx, event)),
        )
        .on("quota_warning", &[QUOTA_WARNING], |app, tx, event| {
            Box::pin(quotas::quota_warning(app, tx, event))
        })
        .on(
            "organisation",
            &[
                TENANT_PAST_DUE,
                TENANT_SUSPENDED,
                TENANT_REACTIVATED,
                TENANT_CLOSING,
                API_KEY_EXPIRING,
                DOMAIN_FAILING,
                DOMAIN_RELEASED,
            ],
            |app, tx, event| Box::pin(organisation::organisation(app, tx, event)),
        )
        .on("tenant_closed", &[TENANT_CLOSED], |app, tx, _event| {
            Box::pin(tenant_closed(app, tx))
        })
}

/// Requests the erasure of a closed tenant's messages.
async fn tenant_closed(app: &App, tx: &mut TenantTx) -> Result<(), ConsumeError> {
    Ok(ERASURE.request(tx, app.state.clock().now()).await?)
}

/// Optional properties of a message.
#[derive(Clone, Copy, Debug, Default)]
struct MessageOptions<'a> {
    /// The encrypted token of a one-time link.
    sealed: Option<&'a [u8]>,
    /// An address other than the person's.
    address: Option<&'a str>,
    /// Distinguishes two messages to one person about one event.
    key_suffix: Option<&'a str>,
}

/// Queues a message for each recipient, in their language. Recipients without an enabled account are skipped.
async fn queue_messages(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
    recipients: &[Recipient],
    params: &MailParams,
    options: MessageOptions<'_>,
) -> Result<(), ConsumeError> {
    if recipients.is_empty() {
        return Ok(());
    }
    let now = app.state.clock().now();
    let Some(tenant) = people::find_tenant(tx).await? else {
        return Err(ConsumeError::Poison("tenant not found".to_owned()));
    };
    // The tenant may already be erased; a new message would remain.
    if tenant.status == TenantStatus::Closed {
        return Ok(());
    }
    let branding = Branding::from_settings(&tenant.name, &tenant.settings);
    let ids: Vec<_> = recipients.iter().map(|recipient| recipient.user).collect();
    let addressees = people::list_addressees(tx, &ids).await?;
    for Recipient { user, template } in recipients {
        let addressee = addressees.iter().find(|person| person.id == *user);
        let Some(person) = addressee.filter(|person| suppression::can_receive_mail(&person.status))
        else {
            continue;
        };
        let language = language::choose(&person.locale, &tenant.locale);
        let content = MailContent::new(
            &branding.name,
            &branding.colour,
            Some(&person.name),
            params,
            language,
        );
        let subject = texts::render_subject(*template, language, &content)
            .map_err(|error| ConsumeError::Retry(error.to_string()))?;
        let is_outdated = options.sealed.is_none() && event.time < now - MAX_NEWS_AGE;
        let message = NewMessage {
            id: MessageId::at(now),
            dedup_key: format!(
                "{}/{user}/{}",
                event.id,
                options.key_suffix.unwrap_or("mail")
            ),
            template: *template,
            language,
            recipient: *user,
            address: options.address.unwrap_or(&person.email),
            subject: &subject,
            params,
            sealed: options.sealed,
            suppressed: is_outdated.then_some("the event is older than three days"),
        };
        messages::insert_message(tx, &message, now).await?;
    }
    Ok(())
}
