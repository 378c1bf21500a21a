//! SQL for comments.

use crate::ids::TicketCommentId;
use access::list::{IdType, Order, Source};
use chrono::{DateTime, Utc};
use db::{ActorKind, Result, TenantTx};
use ids::TicketId;
use sqlx::FromRow;

use crate::domain::comment::Visibility;

/// Which comments are visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommentScope {
    /// Public comments.
    PublicOnly,
    /// Public and internal comments.
    All,
}

/// A comment with its author's name.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct CommentRow {
    pub(crate) id: TicketCommentId,
    pub(crate) ticket_id: TicketId,
    pub(crate) author_kind: ActorKind,
    pub(crate) author_id: Option<uuid::Uuid>,
    pub(crate) author_name: Option<String>,
    pub(crate) content: String,
    pub(crate) visibility: Visibility,
    pub(crate) edited_at: Option<DateTime<Utc>>,
    pub(crate) version: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// Comments.
pub(crate) const COMMENTS: Source = Source {
    name: "comments",
    columns: "c.ticket_comment_id as id, c.ticket_id, c.author_kind, c.author_id, p.display_name as author_name, c.content, c.visibility,
        c.edited_at, c.version, c.created_at, c.updated_at",
    from: "support.ticket_comments c
        left join access.people p on p.tenant_id = c.tenant_id and p.user_id = c.author_id",
    tenant: "c.tenant_id",
    id: "c.ticket_comment_id",
    id_type: IdType::Uuid,
    changed_at: "c.updated_at",
    version: "c.version",
    gone: "c.deleted_at is not null",
};
pub(crate) const OLDEST_FIRST: Order = Order {
    keys: &[("c.created_at", "timestamptz")],
    descending: false,
};

/// One comment of a ticket. Lock the ticket before changing it.
pub(crate) async fn find_comment(
    tx: &mut TenantTx,
    ticket: TicketId,
    id: TicketCommentId,
    scope: CommentScope,
) -> Result<Option<CommentRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        CommentRow,
        r#"select
            c.ticket_comment_id as "id: TicketCommentId", c.ticket_id as "ticket_id: TicketId",
            c.author_kind as "author_kind: ActorKind", c.author_id, p.display_name as "author_name?", c.content,
            c.visibility as "visibility: Visibility", c.edited_at, c.version, c.created_at, c.updated_at
        from support.ticket_comments c
        left join access.people p on p.tenant_id = c.tenant_id and p.user_id = c.author_id
        where c.tenant_id = $1 and c.ticket_id = $2 and c.ticket_comment_id = $3 and c.deleted_at is null
            and ($4 or c.visibility = 'public')"#,
        tenant as _,
        ticket as _,
        id as _,
        scope == CommentScope::All,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Inserts a comment.
pub(crate) async fn insert_comment(
    tx: &mut TenantTx,
    ticket: TicketId,
    id: TicketCommentId,
    content: &str,
    visibility: Visibility,
) -> Result<()> {
    let (tenant, actor, now) = (tx.tenant(), tx.actor(), tx.now());
    sqlx::query!(
        "insert into support.ticket_comments (
            tenant_id, ticket_comment_id, ticket_id, author_kind, author_id, content, visibility, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        tenant as _,
        id as _,
        ticket as _,
        actor.kind as ActorKind,
        actor.id,
        content,
        visibility as Visibility,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Replaces the text of a comment.
pub(crate) async fn update_comment(
    tx: &mut TenantTx,
    id: TicketCommentId,
    content: &str,
) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update support.ticket_comments
        set content = $3, edited_at = $4, updated_at = $4, version = version + 1
        where tenant_id = $1 and ticket_comment_id = $2",
        tenant as _,
        id as _,
        content,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks a comment as deleted.
pub(crate) async fn delete_comment(tx: &mut TenantTx, id: TicketCommentId) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update support.ticket_comments
        set deleted_at = $3, updated_at = $3, version = version + 1
        where tenant_id = $1 and ticket_comment_id = $2",
        tenant as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
