//! The `messages` table.

use crate::ids::MessageId;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx, UnscopedTx};
use ids::{TenantId, UserId};
use sqlx::types::Json;
use web::Language;

use crate::domain::{mail_content::MailParams as Params, template::Template};

web::text_enum! {
    /// The status of a message.
    pub enum Status {
        /// Waits for its next attempt.
        Queued = "queued",
        /// Was handed to the mailer.
        Sent = "sent",
        /// Could not be sent and is not retried.
        Failed = "failed",
        /// Must not be sent.
        Suppressed = "suppressed",
    }
}

/// A message to insert.
#[derive(Debug)]
pub(crate) struct NewMessage<'a> {
    pub(crate) id: MessageId,
    pub(crate) dedup_key: String,
    pub(crate) template: Template,
    pub(crate) language: Language,
    pub(crate) recipient: UserId,
    pub(crate) address: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) params: &'a Params,
    pub(crate) sealed: Option<&'a [u8]>,
    /// Why it is stored but not sent.
    pub(crate) suppressed: Option<&'a str>,
}

/// A message that this sender has claimed.
#[derive(Debug)]
pub(crate) struct ClaimedMessage {
    pub(crate) id: MessageId,
    pub(crate) template: Template,
    pub(crate) locale: String,
    pub(crate) recipient: Option<UserId>,
    pub(crate) address: String,
    pub(crate) subject: String,
    pub(crate) params: Json<Params>,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) attempts: i32,
    pub(crate) created_at: DateTime<Utc>,
}

/// Inserts a message unless one with its key exists.
pub(crate) async fn insert_message(tx: &mut TenantTx, message: &NewMessage<'_>) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let status = if message.suppressed.is_some() {
        Status::Suppressed
    } else {
        Status::Queued
    };
    sqlx::query!(
        "insert into notifications.messages (
            tenant_id, message_id, dedup_key, channel, template, locale, recipient_id, address,
            subject, params, sealed, status, next_attempt_at, last_error, created_at
        )
        values ($1, $2, $3, 'mail', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12)
        on conflict on constraint messages_dedup_key do nothing",
        tenant as _,
        message.id as _,
        message.dedup_key,
        message.template as Template,
        message.language.tag(),
        message.recipient as _,
        message.address,
        message.subject,
        Json(message.params) as _,
        message.sealed,
        status as Status,
        now,
        message.suppressed,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lists due messages of all tenants, oldest due time first.
pub(crate) async fn list_due_messages(
    tx: &mut UnscopedTx,
    now: DateTime<Utc>,
    max_rows: i64,
) -> Result<Vec<(TenantId, MessageId)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant!: TenantId", message_id as "message!: MessageId"
        from notifications.due_messages($1, $2)"#,
        now,
        max_rows,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant, row.message))
        .collect())
}

/// Claims a due message until `lease_ends`; `None` if another sender has it.
pub(crate) async fn claim_message(
    tx: &mut TenantTx,
    id: MessageId,
    lease_ends: DateTime<Utc>,
) -> Result<Option<ClaimedMessage>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        ClaimedMessage,
        r#"update notifications.messages
        set attempts = attempts + 1, next_attempt_at = $4
        where tenant_id = $1 and message_id = (
            select due.message_id
            from notifications.messages due
            where due.tenant_id = $1 and due.message_id = $2 and due.status = 'queued' and due.next_attempt_at <= $3
            for update skip locked
        )
        returning message_id as "id: MessageId", template as "template: Template", locale,
            recipient_id as "recipient: UserId", address, subject, params as "params: Json<Params>", sealed, attempts, created_at"#,
        tenant as _,
        id as _,
        now,
        lease_ends,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Marks a message as sent, even if another sender has claimed it since.
pub(crate) async fn mark_message_sent(tx: &mut TenantTx, id: MessageId) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update notifications.messages
        set status = 'sent', sent_at = $3, sealed = null, last_error = null
        where tenant_id = $1 and message_id = $2 and status = 'queued'",
        tenant as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a message as failed or suppressed, with the reason.
pub(crate) async fn close_message(
    tx: &mut TenantTx,
    claimed: &ClaimedMessage,
    status: Status,
    reason: &str,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update notifications.messages
        set status = $4, last_error = $5, sealed = null
        where tenant_id = $1 and message_id = $2 and attempts = $3 and status = 'queued'",
        tenant as _,
        claimed.id as _,
        claimed.attempts,
        status as Status,
        reason,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Schedules a retry at `next`, unless another sender has claimed the message since.
pub(crate) async fn reschedule_message(
    tx: &mut TenantTx,
    claimed: &ClaimedMessage,
    next: DateTime<Utc>,
    reason: &str,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update notifications.messages
        set next_attempt_at = $4, last_error = $5
        where tenant_id = $1 and message_id = $2 and attempts = $3 and status = 'queued'",
        tenant as _,
        claimed.id as _,
        claimed.attempts,
        next,
        reason,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
