//! Checks the category of a ticket.

use web::{
    Problem,
    problem::{FieldCode, Result},
};

use crate::declarations::TICKET_CATEGORIES;

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
