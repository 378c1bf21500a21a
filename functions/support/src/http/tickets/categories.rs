//! The ticket categories of a tenant.

use web::{
    Problem,
    problem::{FieldCode, Result},
};

use crate::domain::ticket::DEFAULT_CATEGORIES;

/// The tenant's categories, from its settings.
pub(super) fn ticket_categories(tenant: &access::Tenant) -> Vec<String> {
    match tenant
        .settings
        .get("ticket_categories")
        .and_then(serde_json::Value::as_array)
    {
        Some(own) => own
            .iter()
            .filter_map(|category| category.as_str().map(str::to_owned))
            .collect(),
        None => DEFAULT_CATEGORIES.iter().map(ToString::to_string).collect(),
    }
}

/// Refuses a category that the tenant does not have, and lists those that it has.
pub(super) fn check_category(principal: &access::Principal, category: Option<&str>) -> Result<()> {
    let Some(category) = category else {
        return Ok(());
    };
    let categories = ticket_categories(&principal.tenant);
    if categories.iter().any(|known| known == category) {
        return Ok(());
    }
    Err(Problem::field(
        "/category",
        FieldCode::NotOneOf(categories.join(", ")),
    ))
}
