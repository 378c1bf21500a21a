//! All routes of this context.

use web::openapi::Routes;

use crate::{
    App,
    error::{ILLEGAL_TRANSITION, STAFF_ONLY_FIELD, TICKET_CLOSED},
    http::{comments, file_grants, history, tickets},
};

/// One line per resource; each handler declares its own method and path.
pub(crate) fn routes() -> Routes<App> {
    web::routes! {
        tickets: list_tickets, list_categories, create_ticket, import_tickets, get_ticket, update_ticket, delete_ticket, restore_ticket;
        comments: list_comments, create_comment, get_comment, update_comment, delete_comment;
        history: list_history;
        file_grants: get_file_grant;
    }
    .bulk("/tickets")
    .refuses("create_ticket", &[&STAFF_ONLY_FIELD])
    .refuses(
        "update_ticket",
        &[&STAFF_ONLY_FIELD, &ILLEGAL_TRANSITION, &TICKET_CLOSED],
    )
    .refuses("update_comment", &[&TICKET_CLOSED])
    .refuses("delete_comment", &[&TICKET_CLOSED])
    .refuses("create_comment", &[&STAFF_ONLY_FIELD, &TICKET_CLOSED])
}
