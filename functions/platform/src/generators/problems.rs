//! Generates `docs/problems.md`: every error code.

use std::fmt::Write as _;

use web::ProblemKind;

use super::{header, table_cell};
use crate::functions;

/// Every kind of problem of the platform.
pub fn problem_kinds() -> impl Iterator<Item = &'static ProblemKind> {
    let shared = [web::problem::ALL, access::problems::ALL, access::cors::ALL];
    let own = functions::ALL.iter().map(|function| function.problems);
    shared.into_iter().chain(own).flatten().copied()
}

/// Returns the page.
pub fn page() -> String {
    let mut page = header(
        "Error codes",
        "Every response with a status of 400 or above is an `application/problem+json` document (RFC 9457) with one of these codes. Codes are \
         stable; `Accept-Language` selects German or English titles and details. `{words}` in braces are placeholders.",
    );
    section(&mut page, "everywhere", web::problem::ALL);
    let access = access::problems::ALL.iter().chain(access::cors::ALL);
    section(&mut page, "callers", &access.copied().collect::<Vec<_>>());
    for function in functions::ALL {
        section(&mut page, function.name, function.problems);
    }
    page
}

fn section(page: &mut String, name: &str, kinds: &[&'static ProblemKind]) {
    let mut kinds = kinds.to_vec();
    kinds.sort_by_key(|kind| (kind.status.as_u16(), kind.code));
    // Writing into a String cannot fail.
    _ = write!(
        page,
        "\n## {name}\n\n| code | status | English | Deutsch |\n| --- | --- | --- | --- |\n"
    );
    for kind in kinds {
        _ = writeln!(
            page,
            "| `{}` | {} | **{}.** {} | **{}.** {} |",
            kind.code,
            kind.status.as_u16(),
            table_cell(kind.title.en),
            table_cell(kind.detail.en),
            table_cell(kind.title.de),
            table_cell(kind.detail.de),
        );
    }
}
