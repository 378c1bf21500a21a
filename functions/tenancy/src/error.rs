//! Refusals of this context, and which constraint means which.

use db::DbError;
use web::Problem;

web::problems! {
    /// Another tenant has the slug.
    SLUG_TAKEN = CONFLICT "slug_taken" {
        de: "Kurzname vergeben", "Eine andere Organisation heißt schon {slug}.";
        en: "Slug taken", "Another organisation has the slug {slug}.";
    }
    /// A key would be allowed more than whoever makes it.
    SCOPE_EXCEEDS_PERMISSIONS = FORBIDDEN "scope_exceeds_permissions" {
        de: "Mehr als die eigenen Rechte", "Ein Schlüssel darf nicht mehr als die Person, die ihn anlegt; es fehlen: {scopes}.";
        en: "More than your own permissions", "A key can't be allowed more than whoever makes it; missing are: {scopes}.";
    }
}

/// What the database refuses while a tenant is founded.
pub(crate) fn of_founding(error: DbError, slug: &str) -> Problem {
    if error.is_constraint("tenants_slug_key") {
        SLUG_TAKEN.problem().argument("slug", slug)
    } else {
        error.into()
    }
}
