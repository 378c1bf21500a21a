//! Comments in SQL.

use chrono::{DateTime, Utc};
use db::{ActorKind, Result, TenantTx};
use ids::{TicketCommentId, TicketId};
use serde::{Deserialize, Serialize};
use web::Limit;

use crate::domain::comment::{Author, Comment, Visibility};

/// Whose comments are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Public ones.
    Public,
    /// Internal ones too.
    Everything,
}

/// Where a page ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) id: TicketCommentId,
}

struct Row {
    id: TicketCommentId,
    ticket_id: TicketId,
    author_kind: ActorKind,
    author_id: Option<uuid::Uuid>,
    author_name: Option<String>,
    content: String,
    visibility: Visibility,
    edited_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Comment {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            ticket_id: row.ticket_id,
            author: Author {
                kind: row.author_kind,
                id: row.author_id,
                name: row.author_name,
            },
            content: row.content,
            visibility: row.visibility,
            edited_at: row.edited_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A page of a ticket's comments, oldest first (one more row than the page has).
pub(crate) async fn list_comments(
    tx: &mut TenantTx,
    ticket: TicketId,
    sight: Sight,
    after: Option<&Position>,
    limit: Limit,
) -> Result<Vec<Comment>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select
            c.ticket_comment_id as "id: TicketCommentId", c.ticket_id as "ticket_id: TicketId",
            c.author_kind as "author_kind: ActorKind", c.author_id, p.display_name as "author_name?", c.content,
            c.visibility as "visibility: Visibility", c.edited_at, c.version, c.created_at, c.updated_at
        from support.ticket_comments c
        left join access.people p on p.tenant_id = c.tenant_id and p.user_id = c.author_id
        where c.tenant_id = $1 and c.ticket_id = $2 and c.deleted_at is null
            and ($3 or c.visibility = 'public')
            and ($4::timestamptz is null or (c.created_at, c.ticket_comment_id) > ($4, $5::uuid))
        order by c.created_at, c.ticket_comment_id
        limit $6"#,
        tenant as _,
        ticket as _,
        sight == Sight::Everything,
        after.map(|position| position.created_at),
        after.map(|position| position.id) as _,
        limit.rows(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Comment::from).collect())
}

/// One comment of a ticket. Whoever changes it holds the lock of its ticket.
pub(crate) async fn find_comment(
    tx: &mut TenantTx,
    ticket: TicketId,
    id: TicketCommentId,
    sight: Sight,
) -> Result<Option<Comment>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
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
        sight == Sight::Everything,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Comment::from))
}

/// Writes a comment.
pub(crate) async fn insert_comment(
    tx: &mut TenantTx,
    ticket: TicketId,
    id: TicketCommentId,
    content: &str,
    visibility: Visibility,
    now: DateTime<Utc>,
) -> Result<()> {
    let (tenant, actor) = (tx.tenant(), tx.actor());
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

/// Gives a comment another text.
pub(crate) async fn edit_comment(
    tx: &mut TenantTx,
    id: TicketCommentId,
    content: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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
pub(crate) async fn delete_comment(
    tx: &mut TenantTx,
    id: TicketCommentId,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
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
