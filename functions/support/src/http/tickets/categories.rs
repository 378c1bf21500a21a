//! The categories that tickets can have.

use access::{
    Caller,
    list::{Entry, ListQuery, Listed},
};
use axum::extract::State;
use chrono::DateTime;
use events::UnitOfWork;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Page, Problem,
    problem::{FieldCode, Result},
};

use crate::{App, declarations::TICKET_CATEGORIES, permissions::TicketCreate};

/// A category of tickets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "billing"}))]
pub(crate) struct TicketCategory {
    /// The name, as in `category` of a ticket.
    name: String,
}

web::query! {
    /// No filters.
    pub(crate) struct ListCategories {}
}

/// List ticket categories
///
/// Returns the categories that tickets of the organisation can have, in the order of its setting `ticket_categories`.
#[utoipa::path(get, path = "/tickets/categories", responses((status = 200, body = Page<TicketCategory>, description = "A page of categories.")))]
pub(crate) async fn list_categories(
    State(app): State<App>,
    caller: Caller<TicketCreate>,
    query: ListQuery<ListCategories>,
) -> Result<Listed<TicketCategory>> {
    let entry = |name: &str| Entry {
        id: name.to_owned(),
        // The setting has no time of its own: changes are reported by the events of settings.
        changed_at: DateTime::UNIX_EPOCH,
        item: TicketCategory {
            name: name.to_owned(),
        },
    };
    let categories = TICKET_CATEGORIES.read(&caller.tenant);
    let entries = categories.into_iter().map(entry).collect();
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let listed = query
        .items(&app.cursors, &caller, &mut unit, "categories", entries)
        .await?;
    unit.commit().await?;
    Ok(listed)
}

/// Refuses a category that the tenant does not have, and lists those that it has.
pub(super) fn check_category(principal: &access::Principal, category: Option<&str>) -> Result<()> {
    let Some(category) = category else {
        return Ok(());
    };
    let categories = TICKET_CATEGORIES.read(&principal.tenant);
    if categories.contains(&category) {
        return Ok(());
    }
    Err(Problem::field(
        "/category",
        FieldCode::NotOneOf(categories.join(", ")),
    ))
}
