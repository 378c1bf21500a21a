//! One message on its way out.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use access::{Tenant, opaque};
use db::{Actor, DbError};
use futures::FutureExt;
use ids::{MessageId, TenantId};
use web::{Language, Problem};

use super::{Inner, LEASE, SEND_LIMIT};
use crate::{
    MailError,
    consumers::links,
    domain::{
        hindrance,
        letter::{self, Letter, Organisation},
        patience::{self, MOST_DEATHS},
    },
    mail::Mail,
    store::{
        messages::{self, Claimed, Status},
        people::{self, Addressee},
    },
    texts,
};

/// Characters of a reason that are kept.
const LONGEST_REASON: usize = 500;

/// Pauses after failed attempts to mark a message; together shorter than the lease.
const MARKING_MS: [u64; 4] = [100, 500, 2_000, 0];

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Sent, failed or suppressed.
    Ended,
    /// It comes again.
    Postponed,
    /// Somebody else has it, or the database was away.
    Untouched,
}

/// Why a message does not go out now.
#[derive(Debug)]
enum Obstacle {
    /// It must not any more.
    Suppress(&'static str),
    Mail(MailError),
}

impl From<MailError> for Obstacle {
    fn from(error: MailError) -> Self {
        Self::Mail(error)
    }
}

impl Inner {
    /// Claims, writes, sends and marks one message.
    pub(super) async fn send_one(&self, tenant: TenantId, id: MessageId) -> Outcome {
        let claimed = match self.claim(tenant, id).await {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return Outcome::Untouched,
            Err(error) => {
                tracing::warn!(%tenant, message = %id, %error, "message not claimed");
                return Outcome::Untouched;
            }
        };
        let (message, addressee) = &claimed;
        let sent = self.send(tenant, message, addressee.as_ref()).await;
        // What is out and not marked goes out again, so it is worth some patience.
        for pause_ms in MARKING_MS {
            match self.mark(tenant, message, &sent).await {
                Ok(outcome) => return outcome,
                Err(error) => {
                    tracing::warn!(%tenant, message = %id, %error, "message not marked");
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
            }
        }
        // It is due again when the lease ends.
        Outcome::Postponed
    }

    async fn claim(
        &self,
        tenant: TenantId,
        id: MessageId,
    ) -> Result<Option<(Claimed, Option<Addressee>)>, DbError> {
        let now = self.gate.clock().now();
        let mut tx = self.db.begin(tenant, Actor::SYSTEM).await?;
        let Some(claimed) = messages::claim_message(&mut tx, id, now, now + LEASE).await? else {
            return Ok(None);
        };
        let addressee = match claimed.recipient {
            Some(person) => people::list_addressees(&mut tx, &[person]).await?.pop(),
            None => None,
        };
        tx.commit().await?;
        Ok(Some((claimed, addressee)))
    }

    async fn send(
        &self,
        tenant: TenantId,
        message: &Claimed,
        addressee: Option<&Addressee>,
    ) -> Result<(), Obstacle> {
        if message.attempts > MOST_DEATHS {
            let reason = format!("{MOST_DEATHS} tries came to no end");
            return Err(MailError::Refused(reason).into());
        }
        let tenant = self
            .gate
            .tenant(tenant)
            .await
            .map_err(|problem: Problem| MailError::Retry(problem.kind().code.to_owned()))?
            .ok_or(Obstacle::Suppress("there is no such tenant"))?;
        let status = addressee.map(|person| person.status.as_str());
        if let Some(reason) = hindrance::of(message.template, &tenant, status) {
            return Err(Obstacle::Suppress(reason));
        }
        let mail = self.write(&tenant, message, addressee)?;
        let attempt = AssertUnwindSafe(self.mailer.send(&mail)).catch_unwind();
        match tokio::time::timeout(SEND_LIMIT, attempt).await {
            Ok(Ok(sent)) => Ok(sent?),
            Ok(Err(_panic)) => Err(MailError::Retry("the mailer panicked".to_owned()).into()),
            Err(_elapsed) => {
                let reason = format!("the mailer took longer than {SEND_LIMIT:?}");
                Err(MailError::Retry(reason).into())
            }
        }
    }

    fn write(
        &self,
        tenant: &Arc<Tenant>,
        message: &Claimed,
        addressee: Option<&Addressee>,
    ) -> Result<Mail, MailError> {
        let refused = |reason: &str| MailError::Refused(reason.to_owned());
        let organisation = Organisation::of(&tenant.name, &tenant.settings);
        let language = Language::of_locale(&message.locale).unwrap_or(Language::De);
        let token = match &message.sealed {
            Some(sealed) => {
                let opened = links::open(self.gate.keyring(), tenant.id, sealed);
                Some(
                    opened
                        .ok_or_else(|| refused("the link can't be opened"))?
                        .token,
                )
            }
            None => None,
        };
        let name = addressee.map(|person| person.name.as_str());
        let base = &self.gate.settings().public_url;
        let letter = Letter {
            organisation: &organisation.name,
            colour: &organisation.colour,
            name,
            number: message.params.number.as_deref(),
            device: message.params.device.as_deref(),
            at: message.params.at.as_deref(),
            metric: message.params.metric.as_deref(),
            percent: message.params.percent.as_deref(),
            what: message.params.what.as_deref(),
            token: token.as_deref(),
            link: letter::link(base, message.template, &message.params, token.as_deref()),
        };
        let body = texts::body(message.template, language, &message.subject, &letter)
            .map_err(|error| refused(&error.to_string()))?;
        Ok(Mail {
            id: message.id,
            from: (organisation.sender, self.from.clone()),
            reply_to: organisation.reply_to,
            to: (name.map(str::to_owned), message.address.clone()),
            subject: message.subject.clone(),
            text: body.text,
            html: body.html,
            language,
            date: self.gate.clock().now(),
        })
    }

    async fn mark(
        &self,
        tenant: TenantId,
        message: &Claimed,
        sent: &Result<(), Obstacle>,
    ) -> Result<Outcome, DbError> {
        let now = self.gate.clock().now();
        let mut tx = self.db.begin(tenant, Actor::SYSTEM).await?;
        let (became, outcome) = match sent {
            Ok(()) => {
                messages::mark_sent(&mut tx, message.id, now).await?;
                (Status::Sent, Outcome::Ended)
            }
            Err(Obstacle::Suppress(reason)) => {
                messages::give_up(&mut tx, message, Status::Suppressed, reason).await?;
                (Status::Suppressed, Outcome::Ended)
            }
            Err(Obstacle::Mail(MailError::Retry(reason)))
                if !patience::is_over(message.created_at, now) =>
            {
                let chance = u32::from_ne_bytes(opaque::random());
                let next = now + patience::pause(message.attempts, chance);
                messages::retry_later(&mut tx, message, next, &kept(reason)).await?;
                tracing::warn!(%tenant, message = %message.id, tries = message.attempts, reason, "message not sent yet");
                (Status::Queued, Outcome::Postponed)
            }
            Err(Obstacle::Mail(MailError::Retry(reason) | MailError::Refused(reason))) => {
                messages::give_up(&mut tx, message, Status::Failed, &kept(reason)).await?;
                tracing::error!(%tenant, message = %message.id, template = %message.template, reason, "message failed");
                (Status::Failed, Outcome::Ended)
            }
        };
        tx.commit().await?;
        let template = message.template.as_str();
        metrics::counter!("notifications_tries_total", "template" => template, "became" => became.as_str())
            .increment(1);
        Ok(outcome)
    }
}

/// A reason as it can be kept: bounded, and without what PostgreSQL refuses.
fn kept(reason: &str) -> String {
    reason
        .chars()
        .filter(|c| *c != '\0')
        .take(LONGEST_REASON)
        .collect()
}
