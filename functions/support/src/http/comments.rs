//! Comments of a ticket.

use crate::ids::TicketCommentId;
use access::{
    Caller, Reach,
    list::{ListQuery, Listed},
};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::{Attempt, Idempotent, UnitOfWork};
use http::StatusCode;
use ids::TicketId;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{
    Created, Fetched, IfMatch, Page, PathIds, Text, ValidJson, problem, problem::Result,
    reply::Versioned,
};

use super::{
    Author, comment_scope, load_ticket, lock_ticket,
    page::{Unfiltered, ticket_page},
    ticket_role,
    tickets::{check_open, record_changes},
};
use crate::{
    App,
    domain::{comment::Visibility, status::TicketRole},
    error::STAFF_ONLY_FIELD,
    events::TicketCommented,
    permissions::{CommentCreate, CommentUpdate, TicketRead},
    store::{
        comments::{self, CommentRow, CommentScope},
        history::{self, FieldChange},
        tickets::{self, TicketRow},
    },
};

/// A comment on a ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f3-1111-7c11-8e5a-3b1a2c3d4e5f", "ticket_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "author": {"kind": "user", "id": "019ab1f2-0000-7000-8000-000000000002", "name": "Ole Brandt"},
    "content": "A technician comes tomorrow at nine.", "visibility": "public", "edited_at": null, "version": 1,
    "created_at": "2026-11-20T11:00:00Z", "updated_at": "2026-11-20T11:00:00Z"
}))]
pub struct Comment {
    /// The comment's identifier.
    pub id: TicketCommentId,
    /// The ticket that the comment belongs to.
    pub ticket_id: TicketId,
    /// Who wrote the comment.
    pub author: Author,
    /// The text of the comment.
    pub content: String,
    /// Who can see the comment.
    pub visibility: Visibility,
    /// When the comment was last edited.
    pub edited_at: Option<DateTime<Utc>>,
    /// The version, which increases with every change.
    pub version: i32,
    /// When the comment was written.
    pub created_at: DateTime<Utc>,
    /// When the comment last changed.
    pub updated_at: DateTime<Utc>,
}

impl Versioned for Comment {
    fn version(&self) -> i32 {
        self.version
    }
}

impl From<CommentRow> for Comment {
    fn from(row: CommentRow) -> Self {
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

web::body! {
    /// A new comment.
    pub struct CreateComment {
        /// The text of the comment.
        pub content: Text<1, 20_000>,
        /// Who can see the comment; defaults to `public`. Only staff can write internal comments.
        pub visibility: Option<Visibility>,
    }
    example { "content": "A technician comes tomorrow at nine.", "visibility": "public" }
}

web::body! {
    /// The new text of a comment.
    pub struct UpdateComment {
        /// The text of the comment.
        pub content: Text<1, 20_000>,
    }
    example { "content": "A technician comes on Thursday at nine." }
}

/// List a ticket's comments
///
/// Returns the comments of a ticket, oldest first. Customers see public comments only; staff also see internal ones.
#[utoipa::path(get, path = "/tickets/{id}/comments", responses((status = 200, body = Page<Comment>, description = "A page of comments.")))]
pub(crate) async fn list_comments(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    PathIds(id): PathIds<TicketId>,
    query: ListQuery<Unfiltered>,
) -> Result<Listed<Comment>> {
    let source = (&comments::COMMENTS, comments::OLDEST_FIRST);
    let listed = ticket_page(&app, &caller, id, &query, source, "c").await?;
    Ok(listed.map(|row: CommentRow| Comment::from(row)))
}

/// Add a comment to a ticket
///
/// Customers add public comments to their own tickets; only staff can add internal ones. A customer's reply reopens a ticket
/// that is resolved or waiting for the customer. The first public comment by staff sets `first_responded_at`.
#[utoipa::path(
    post,
    path = "/tickets/{id}/comments",
    responses(
        (status = 201, body = Comment, description = "The comment was added."),
    )
)]
pub(crate) async fn create_comment(
    State(app): State<App>,
    caller: Caller<CommentCreate>,
    PathIds(id): PathIds<TicketId>,
    body: Idempotent<CreateComment>,
) -> Result<Response> {
    let (mut unit, body, pending) = match body.begin(&app, &caller).await? {
        Attempt::First(unit, body, pending) => (unit, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let ticket = lock_ticket(&mut unit, caller.reach(), id).await?;
    let role = ticket_role(caller.reach());
    let visibility = body.visibility.unwrap_or(Visibility::Public);
    if role == TicketRole::Customer && visibility == Visibility::Internal {
        return Err(STAFF_ONLY_FIELD.problem().argument("field", "visibility"));
    }
    check_open(&ticket, role)?;
    let comment_id = TicketCommentId::at(unit.now());
    let content = body.content.as_str();
    comments::insert_comment(&mut unit, id, comment_id, content, visibility).await?;
    let version = match visibility {
        Visibility::Public => apply_reply(&mut unit, &ticket, role).await?,
        // An internal comment changes nothing that a customer can see, so the version stays.
        Visibility::Internal => ticket.version,
    };
    let change = FieldChange {
        field: "comment",
        old: Value::Null,
        new: json!({"comment_id": comment_id, "visibility": visibility}),
    };
    history::append_history(&mut unit, id, &[change], visibility).await?;
    let event = TicketCommented {
        ticket_id: id,
        number: ticket.number,
        requester_id: ticket.requester_id,
        assigned_to: ticket.assigned_to,
        comment_id,
        visibility,
        author: unit.actor(),
    };
    unit.publish(version, event).await?;
    let comment = load_comment(&mut unit, id, comment_id, CommentScope::All).await?;
    let location = format!("/api/v1/tickets/{id}/comments/{comment_id}");
    pending
        .created(
            unit,
            Created {
                location,
                resource: Comment::from(comment),
            },
        )
        .await
}

/// Get a comment
///
/// Returns one comment of a ticket. Customers can only get public comments.
#[utoipa::path(
    get,
    path = "/tickets/{id}/comments/{comment_id}",
    responses((status = 200, body = Comment, description = "The comment."))
)]
pub(crate) async fn get_comment(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    PathIds((id, comment_id)): PathIds<(TicketId, TicketCommentId)>,
) -> Result<Fetched<Comment>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    load_ticket(&mut unit, caller.reach(), id).await?;
    let comment = load_comment(&mut unit, id, comment_id, comment_scope(caller.reach())).await?;
    unit.commit().await?;
    Ok(Fetched(comment.into()))
}

/// Edit a comment
///
/// Replaces the text of a comment. Authors can edit their own comments; admins can edit any.
#[utoipa::path(
    method(put, patch),
    path = "/tickets/{id}/comments/{comment_id}",
    responses((status = 200, body = Comment, description = "The updated comment."))
)]
pub(crate) async fn update_comment(
    State(app): State<App>,
    caller: Caller<CommentUpdate>,
    PathIds((id, comment_id)): PathIds<(TicketId, TicketCommentId)>,
    if_match: IfMatch,
    body: ValidJson<UpdateComment>,
) -> Result<Fetched<Comment>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let (ticket, comment) = load_editable(&mut unit, &caller, id, comment_id).await?;
    if_match.check(comment.version)?;
    comments::update_comment(&mut unit, comment_id, body.value.content.as_str()).await?;
    record_edit(&mut unit, &ticket, &comment, "edited").await?;
    let comment = load_comment(&mut unit, id, comment_id, CommentScope::All).await?;
    unit.commit().await?;
    Ok(Fetched(comment.into()))
}

/// Delete a comment
///
/// Removes a comment from a ticket. Authors can delete their own comments; admins can delete any.
#[utoipa::path(
    delete,
    path = "/tickets/{id}/comments/{comment_id}",
    responses((status = 204, description = "The comment was deleted."))
)]
pub(crate) async fn delete_comment(
    State(app): State<App>,
    caller: Caller<CommentUpdate>,
    PathIds((id, comment_id)): PathIds<(TicketId, TicketCommentId)>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let (ticket, comment) = load_editable(&mut unit, &caller, id, comment_id).await?;
    if_match.check(comment.version)?;
    comments::delete_comment(&mut unit, comment_id).await?;
    record_edit(&mut unit, &ticket, &comment, "deleted").await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Applies the effect of a public comment on its ticket: the first response, or a reply that reopens. Returns the new version.
async fn apply_reply(unit: &mut UnitOfWork, ticket: &TicketRow, role: TicketRole) -> Result<i32> {
    let status = match role {
        TicketRole::Customer => ticket.status.after_reply(ticket.assigned_to.is_some()),
        TicketRole::Staff => ticket.status,
    };
    if status == ticket.status {
        tickets::touch_ticket(unit, ticket.id, role == TicketRole::Staff).await?;
    } else {
        let old = ticket.fields();
        let new = old.with_status(status, unit.now());
        let changes = history::field_changes(&old, &new);
        record_changes(unit, ticket, &new, changes).await?;
    }
    Ok(ticket.version + 1)
}

/// Loads a comment that the caller may change; with reach `own`, only comments that they wrote.
async fn load_editable(
    tx: &mut TenantTx,
    caller: &Caller<CommentUpdate>,
    id: TicketId,
    comment_id: TicketCommentId,
) -> Result<(TicketRow, CommentRow)> {
    // The reach of ticket.read decides which tickets are visible, that of comment.update which comments may be changed.
    let read = caller.may::<TicketRead>().ok_or(&problem::NOT_FOUND)?;
    let ticket = lock_ticket(tx, read, id).await?;
    check_open(&ticket, ticket_role(read))?;
    let comment = load_comment(tx, id, comment_id, comment_scope(read)).await?;
    if let Reach::Own(user) | Reach::Assigned(user) = caller.reach()
        && comment.author_id != Some(user.uuid())
    {
        let permission = "support.comment.update (all)";
        return Err(problem::FORBIDDEN
            .problem()
            .argument("permission", permission));
    }
    Ok((ticket, comment))
}

async fn load_comment(
    tx: &mut TenantTx,
    ticket: TicketId,
    id: TicketCommentId,
    scope: CommentScope,
) -> Result<CommentRow> {
    comments::find_comment(tx, ticket, id, scope)
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}

/// Records the edit or deletion of a comment in the ticket's history.
async fn record_edit(
    tx: &mut TenantTx,
    ticket: &TicketRow,
    comment: &CommentRow,
    action: &'static str,
) -> Result<()> {
    let change = FieldChange {
        field: "comment",
        old: json!({"comment_id": comment.id}),
        new: json!({"comment_id": comment.id, action: true}),
    };
    history::append_history(tx, ticket.id, &[change], comment.visibility).await?;
    if comment.visibility == Visibility::Public {
        tickets::touch_ticket(tx, ticket.id, false).await?;
    }
    Ok(())
}
