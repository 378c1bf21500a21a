//! What this context does about events: it decides who is to be written to and keeps a message each, nothing else.

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
use serde::de::DeserializeOwned;

use crate::{
    App,
    domain::{
        hindrance, language,
        letter::{Letter, Organisation, Params},
        recipients::Wanted,
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

/// What happened longer ago is no news: such a message is kept as suppressed. Links are not news and always go out.
const NEWS_DAYS: i64 = 3;

/// The consumers, a line each.
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

/// With a tenant its messages go.
async fn tenant_closed(app: &App, tx: &mut TenantTx) -> Result<(), ConsumeError> {
    Ok(ERASURE.request(tx, app.gate.clock().now()).await?)
}

/// The event's data, or never.
fn data<T: DeserializeOwned>(event: &Envelope) -> Result<T, ConsumeError> {
    T::deserialize(&event.data).map_err(|error| ConsumeError::Poison(format!("data: {error}")))
}

/// What one kind of mail has that others don't.
#[derive(Clone, Copy, Debug, Default)]
struct Special<'a> {
    /// The token inside, encrypted.
    sealed: Option<&'a [u8]>,
    /// Another address than the person's.
    address: Option<&'a str>,
    /// Stands in the message's key where one event brings two mails to one person.
    word: Option<&'a str>,
}

/// Keeps a message for each of them, in their language. Whoever is gone is passed over.
async fn keep(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
    wanted: &[Wanted],
    params: &Params,
    special: Special<'_>,
) -> Result<(), ConsumeError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let now = app.gate.clock().now();
    let Some(house) = people::find_house(tx).await? else {
        return Err(ConsumeError::Poison("there is no such tenant".to_owned()));
    };
    // What is written now would stay when everything else has been erased.
    if house.status == TenantStatus::Closed {
        return Ok(());
    }
    let organisation = Organisation::of(&house.name, &house.settings);
    let ids: Vec<_> = wanted.iter().map(|one| one.recipient).collect();
    let addressees = people::list_addressees(tx, &ids).await?;
    for Wanted {
        recipient,
        template,
    } in wanted
    {
        let found = addressees.iter().find(|person| person.id == *recipient);
        let Some(person) = found.filter(|person| hindrance::may_be_written_to(&person.status))
        else {
            continue;
        };
        let language = language::choose(&person.locale, &house.locale);
        let letter = Letter {
            organisation: &organisation.name,
            colour: &organisation.colour,
            name: Some(&person.name),
            number: params.number.as_deref(),
            device: params.device.as_deref(),
            at: params.at.as_deref(),
            metric: params.metric.as_deref(),
            percent: params.percent.as_deref(),
            what: params.what.as_deref(),
            token: None,
            link: None,
        };
        let subject = texts::subject(*template, language, &letter)
            .map_err(|error| ConsumeError::Retry(error.to_string()))?;
        let stale = special.sealed.is_none() && event.time < now - TimeDelta::days(NEWS_DAYS);
        let message = NewMessage {
            id: MessageId::at(now),
            dedup_key: format!(
                "{}/{recipient}/{}",
                event.id,
                special.word.unwrap_or("mail")
            ),
            template: *template,
            language,
            recipient: *recipient,
            address: special.address.unwrap_or(&person.email),
            subject: &subject,
            params,
            sealed: special.sealed,
            suppressed: stale.then_some("older than three days"),
        };
        messages::insert_message(tx, &message, now).await?;
    }
    Ok(())
}
