//! Comments: written, listed, edited, deleted.

use access::{Attempt, Caller, Idempotent, Reach};
use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::TenantTx;
use http::StatusCode;
use ids::{TicketCommentId, TicketId};
use serde_json::{Value, json};
use web::{
    Created, Fetched, IfMatch, Page, PathIds, ValidJson, ValidQuery, problem, problem::Result,
};

use super::{
    announce, load, lock,
    page::{PageQuery, page_of_ticket},
    side, sight,
    tickets::record_changes,
};
use crate::{
    App,
    domain::{
        changes::{FieldChange, moved},
        comment::{Comment, CreateComment, UpdateComment, Visibility},
        status::{Side, Status},
        ticket::Ticket,
    },
    error::{STAFF_ONLY_FIELD, TICKET_CLOSED},
    events::TICKET_COMMENTED,
    permissions::{CommentCreate, CommentUpdate, TicketRead},
    store::{
        comments::{self, Position, Sight},
        history, tickets,
    },
};

/// List a ticket's comments, oldest first; customers see public ones.
#[utoipa::path(get, path = "/tickets/{id}/comments", responses((status = 200, body = Page<Comment>, description = "A page of comments.")))]
pub(crate) async fn list_comments(
    State(app): State<App>,
    caller: Caller<TicketRead>,
    PathIds(id): PathIds<TicketId>,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Json<Page<Comment>>> {
    page_of_ticket(
        &app,
        &caller,
        ("comments", id),
        &query,
        async |tx, sight, after, limit| comments::list_comments(tx, id, sight, after, limit).await,
        |last| Position {
            created_at: last.created_at,
            id: last.id,
        },
    )
    .await
}

/// Comment on a ticket. A customer's reply reopens one that waited or was resolved.
#[utoipa::path(
    post,
    path = "/tickets/{id}/comments",
    responses(
        (status = 201, body = Comment, description = "Written."),
    )
)]
pub(crate) async fn create_comment(
    State(app): State<App>,
    caller: Caller<CommentCreate>,
    PathIds(id): PathIds<TicketId>,
    body: Idempotent<CreateComment>,
) -> Result<Response> {
    let now = app.gate.clock().now();
    let (mut tx, body, pending) = match body.begin(&caller, &app.db, now).await? {
        Attempt::First(tx, body, pending) => (tx, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let ticket = lock(&mut tx, caller.reach(), id).await?;
    let side = side(caller.reach());
    let visibility = body.visibility.unwrap_or(Visibility::Public);
    if side == Side::Customer && visibility == Visibility::Internal {
        return Err(STAFF_ONLY_FIELD.problem().argument("field", "visibility"));
    }
    if side == Side::Customer && ticket.status == Status::Closed {
        return Err(TICKET_CLOSED.problem());
    }
    let comment_id = TicketCommentId::at(now);
    comments::insert_comment(
        &mut tx,
        id,
        comment_id,
        body.content.as_str(),
        visibility,
        now,
    )
    .await?;
    let version = match visibility {
        Visibility::Public => answered(&mut tx, &caller, &ticket, side, now).await?,
        // Nothing that a customer can see moves.
        Visibility::Internal => ticket.version,
    };
    told(
        &mut tx,
        &caller,
        (&ticket, version),
        comment_id,
        visibility,
        now,
    )
    .await?;
    let comment = found(&mut tx, id, comment_id, Sight::Everything).await?;
    let location = format!("/api/v1/tickets/{id}/comments/{comment_id}");
    pending
        .created(
            tx,
            Created {
                location,
                resource: comment,
            },
        )
        .await
}

/// Read one comment; customers only public ones.
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
    let mut tx = caller.begin(&app.db).await?;
    load(&mut tx, caller.reach(), id).await?;
    let comment = found(&mut tx, id, comment_id, sight(caller.reach())).await?;
    tx.commit().await?;
    Ok(Fetched(comment))
}

/// Edit a comment: one's own, or any for admins.
#[utoipa::path(
    method(put, patch),
    path = "/tickets/{id}/comments/{comment_id}",
    responses((status = 200, body = Comment, description = "The comment as it is now."))
)]
pub(crate) async fn update_comment(
    State(app): State<App>,
    caller: Caller<CommentUpdate>,
    PathIds((id, comment_id)): PathIds<(TicketId, TicketCommentId)>,
    if_match: IfMatch,
    body: ValidJson<UpdateComment>,
) -> Result<Fetched<Comment>> {
    let now = app.gate.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    let (ticket, comment) = writable(&mut tx, &caller, id, comment_id).await?;
    if_match.check(comment.version)?;
    comments::edit_comment(&mut tx, comment_id, body.value.content.as_str(), now).await?;
    remember(&mut tx, &ticket, &comment, "edited", now).await?;
    let comment = found(&mut tx, id, comment_id, Sight::Everything).await?;
    tx.commit().await?;
    Ok(Fetched(comment))
}

/// Delete a comment: one's own, or any for admins.
#[utoipa::path(
    delete,
    path = "/tickets/{id}/comments/{comment_id}",
    responses((status = 204, description = "Deleted."))
)]
pub(crate) async fn delete_comment(
    State(app): State<App>,
    caller: Caller<CommentUpdate>,
    PathIds((id, comment_id)): PathIds<(TicketId, TicketCommentId)>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let now = app.gate.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    let (ticket, comment) = writable(&mut tx, &caller, id, comment_id).await?;
    if_match.check(comment.version)?;
    comments::delete_comment(&mut tx, comment_id, now).await?;
    remember(&mut tx, &ticket, &comment, "deleted", now).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a public comment does to its ticket: the first answer, or a reply that reopens. The version since.
async fn answered(
    tx: &mut TenantTx,
    caller: &Caller<CommentCreate>,
    ticket: &Ticket,
    side: Side,
    now: DateTime<Utc>,
) -> Result<i32> {
    let status = match side {
        Side::Customer => ticket.status.after_reply(ticket.assigned_to.is_some()),
        Side::Staff => ticket.status,
    };
    if status == ticket.status {
        tickets::touch_ticket(tx, ticket.id, side == Side::Staff, now).await?;
    } else {
        let (new, changes) = moved(ticket, status, now);
        record_changes(tx, caller, ticket, &new, &changes, now).await?;
    }
    Ok(ticket.version + 1)
}

async fn told(
    tx: &mut TenantTx,
    caller: &Caller<CommentCreate>,
    (ticket, version): (&Ticket, i32),
    comment: TicketCommentId,
    visibility: Visibility,
    now: DateTime<Utc>,
) -> Result<()> {
    let written = FieldChange {
        field: "comment",
        old: Value::Null,
        new: json!({"comment_id": comment, "visibility": visibility}),
    };
    history::append(tx, ticket.id, &[written], visibility, now).await?;
    let data = json!({
        "ticket_id": ticket.id, "number": ticket.number, "requester_id": ticket.requester_id,
        "assigned_to": ticket.assigned_to, "comment_id": comment, "visibility": visibility, "author": caller.actor,
    });
    let place = (ticket.id, version);
    announce(tx, caller, now, &TICKET_COMMENTED, place, data).await
}

/// A comment that the caller may change: reach `own` is what they wrote themselves.
async fn writable(
    tx: &mut TenantTx,
    caller: &Caller<CommentUpdate>,
    id: TicketId,
    comment_id: TicketCommentId,
) -> Result<(Ticket, Comment)> {
    // Which tickets the caller sees is another permission than which comments they may change.
    let read = caller.may::<TicketRead>().ok_or(&problem::NOT_FOUND)?;
    let ticket = lock(tx, read, id).await?;
    let comment = found(tx, id, comment_id, sight(read)).await?;
    if let Reach::Own(user) | Reach::Assigned(user) = caller.reach()
        && comment.author.id != Some(user.uuid())
    {
        let permission = "support.comment.update (all)";
        return Err(problem::FORBIDDEN
            .problem()
            .argument("permission", permission));
    }
    Ok((ticket, comment))
}

async fn found(
    tx: &mut TenantTx,
    ticket: TicketId,
    id: TicketCommentId,
    sight: Sight,
) -> Result<Comment> {
    comments::find_comment(tx, ticket, id, sight)
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}

async fn remember(
    tx: &mut TenantTx,
    ticket: &Ticket,
    comment: &Comment,
    what: &'static str,
    now: DateTime<Utc>,
) -> Result<()> {
    let change = FieldChange {
        field: "comment",
        old: json!({"comment_id": comment.id}),
        new: json!({"comment_id": comment.id, what: true}),
    };
    history::append(tx, ticket.id, &[change], comment.visibility, now).await?;
    if comment.visibility == Visibility::Public {
        tickets::touch_ticket(tx, ticket.id, false, now).await?;
    }
    Ok(())
}
