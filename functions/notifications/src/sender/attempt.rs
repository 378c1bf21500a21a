//! One attempt to send a message.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use crate::ids::MessageId;
use access::{Tenant, opaque};
use db::{Actor, DbError};
use futures::FutureExt;
use ids::TenantId;
use web::{Language, Problem};

use super::{Inner, LEASE, SEND_TIMEOUT};
use crate::{
    MailError,
    branding::Branding,
    consumers::links,
    domain::{
        mail_content::{MailContent, link_url},
        retry_policy::{self, MAX_ATTEMPTS},
        suppression::suppression_reason,
    },
    mail::Mail,
    store::{
        messages::{self, ClaimedMessage, Status},
        people::{self, Addressee},
    },
    texts,
};

/// Maximum length of a stored reason, in characters.
const MAX_REASON_CHARS: usize = 500;

/// Delays after failed attempts to record an outcome; together shorter than the lease.
const RECORD_BACKOFF_MS: [u64; 4] = [100, 500, 2_000, 0];

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Sent, failed or suppressed.
    Finished,
    /// It will be retried.
    Postponed,
    /// Another sender has it, or the database was unavailable.
    Skipped,
}

/// Why a message was not sent.
#[derive(Debug)]
enum SendError {
    /// It must not be sent.
    Suppressed(&'static str),
    Mail(MailError),
}

impl From<MailError> for SendError {
    fn from(error: MailError) -> Self {
        Self::Mail(error)
    }
}

impl Inner {
    /// Claims, composes and sends one message and records the outcome.
    pub(super) async fn send_one(&self, tenant: TenantId, id: MessageId) -> Outcome {
        let claimed = match self.claim(tenant, id).await {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return Outcome::Skipped,
            Err(error) => {
                tracing::warn!(%tenant, message = %id, %error, "could not claim message");
                return Outcome::Skipped;
            }
        };
        let (message, addressee) = &claimed;
        let sent = self.send(tenant, message, addressee.as_ref()).await;
        // A sent message whose outcome is not recorded is sent again, so recording is retried.
        for pause_ms in RECORD_BACKOFF_MS {
            match self.record_outcome(tenant, message, &sent).await {
                Ok(outcome) => return outcome,
                Err(error) => {
                    tracing::warn!(%tenant, message = %id, %error, "could not record the outcome of a message");
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
            }
        }
        // The message is due again when the lease expires.
        Outcome::Postponed
    }

    async fn claim(
        &self,
        tenant: TenantId,
        id: MessageId,
    ) -> Result<Option<(ClaimedMessage, Option<Addressee>)>, DbError> {
        let now = self.state.clock().now();
        let mut tx = self.db.begin(tenant, Actor::SYSTEM, now).await?;
        let Some(claimed) = messages::claim_message(&mut tx, id, now + LEASE).await? else {
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
        message: &ClaimedMessage,
        addressee: Option<&Addressee>,
    ) -> Result<(), SendError> {
        if message.attempts > MAX_ATTEMPTS {
            let reason = format!("{MAX_ATTEMPTS} attempts ended without a result");
            return Err(MailError::Permanent(reason).into());
        }
        let tenant = self
            .state
            .authenticator()
            .tenant(tenant)
            .await
            .map_err(|problem: Problem| MailError::Transient(problem.kind().code.to_owned()))?
            .ok_or(SendError::Suppressed("tenant not found"))?;
        let has_feature = message
            .template
            .required_feature()
            .is_none_or(|feature| tenant.has(feature));
        let recipient_status = addressee.map(|person| person.status.as_str());
        if let Some(reason) = suppression_reason(
            message.template,
            tenant.status,
            has_feature,
            recipient_status,
        ) {
            return Err(SendError::Suppressed(reason));
        }
        let mail = self.compose(&tenant, message, addressee)?;
        let attempt = AssertUnwindSafe(self.mailer.send(&mail)).catch_unwind();
        match tokio::time::timeout(SEND_TIMEOUT, attempt).await {
            Ok(Ok(sent)) => Ok(sent?),
            Ok(Err(_panic)) => Err(MailError::Transient("the mailer panicked".to_owned()).into()),
            Err(_elapsed) => {
                let reason = format!("the mailer took longer than {SEND_TIMEOUT:?}");
                Err(MailError::Transient(reason).into())
            }
        }
    }

    fn compose(
        &self,
        tenant: &Arc<Tenant>,
        message: &ClaimedMessage,
        addressee: Option<&Addressee>,
    ) -> Result<Mail, MailError> {
        let permanent = |reason: &str| MailError::Permanent(reason.to_owned());
        let branding = Branding::from_settings(&tenant.name, &tenant.settings);
        let language = Language::of_locale(&message.locale).unwrap_or(Language::De);
        let token = match &message.sealed {
            Some(sealed) => {
                let unsealed = links::unseal_link(self.state.keyring(), tenant.id, sealed);
                Some(
                    unsealed
                        .ok_or_else(|| permanent("the sealed link can't be decrypted"))?
                        .token,
                )
            }
            None => None,
        };
        let name = addressee.map(|person| person.name.as_str());
        let base = &self.state.settings().public_url;
        let mut content = MailContent::new(
            &branding.name,
            &branding.colour,
            name,
            &message.params,
            language,
        );
        content.token = token.as_deref();
        content.link = link_url(base, message.template, &message.params, token.as_deref());
        let body = texts::render_body(message.template, language, &message.subject, &content)
            .map_err(|error| permanent(&error.to_string()))?;
        Ok(Mail {
            id: message.id,
            from: (branding.sender, self.from.clone()),
            reply_to: branding.reply_to,
            to: (name.map(str::to_owned), message.address.clone()),
            subject: message.subject.clone(),
            text: body.text,
            html: body.html,
            language,
            date: self.state.clock().now(),
        })
    }

    async fn record_outcome(
        &self,
        tenant: TenantId,
        message: &ClaimedMessage,
        sent: &Result<(), SendError>,
    ) -> Result<Outcome, DbError> {
        let now = self.state.clock().now();
        let mut tx = self.db.begin(tenant, Actor::SYSTEM, now).await?;
        let (status, outcome) = match sent {
            Ok(()) => {
                messages::mark_message_sent(&mut tx, message.id).await?;
                (Status::Sent, Outcome::Finished)
            }
            Err(SendError::Suppressed(reason)) => {
                messages::close_message(&mut tx, message, Status::Suppressed, reason).await?;
                (Status::Suppressed, Outcome::Finished)
            }
            Err(SendError::Mail(MailError::Transient(reason)))
                if !retry_policy::is_exhausted(message.created_at, now) =>
            {
                let random = u32::from_ne_bytes(opaque::random());
                let next = now + retry_policy::backoff(message.attempts, random);
                messages::reschedule_message(&mut tx, message, next, &sanitize_reason(reason))
                    .await?;
                tracing::warn!(%tenant, message = %message.id, attempts = message.attempts, reason, "message will be retried");
                (Status::Queued, Outcome::Postponed)
            }
            Err(SendError::Mail(MailError::Transient(reason) | MailError::Permanent(reason))) => {
                messages::close_message(&mut tx, message, Status::Failed, &sanitize_reason(reason))
                    .await?;
                tracing::error!(%tenant, message = %message.id, template = %message.template, reason, "message failed");
                (Status::Failed, Outcome::Finished)
            }
        };
        tx.commit().await?;
        let template = message.template.as_str();
        metrics::counter!("notifications_tries_total", "template" => template, "became" => status.as_str())
            .increment(1);
        Ok(outcome)
    }
}

/// Truncates a reason and removes NUL, which PostgreSQL rejects in text.
fn sanitize_reason(reason: &str) -> String {
    reason
        .chars()
        .filter(|c| *c != '\0')
        .take(MAX_REASON_CHARS)
        .collect()
}
