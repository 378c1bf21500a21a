//! `docs/problems.md`: every code of a refusal.

use std::fmt::Write as _;

use web::Kind;

use super::{cell, head};
use crate::functions;

/// The page.
pub fn page() -> String {
    let mut page = head(
        "Refusals",
        "Every answer from 400 up is an `application/problem+json` document (RFC 9457) with one of these codes. Codes are \
         stable; titles and details come in German and English by `Accept-Language`. `{words}` in braces are filled in.",
    );
    section(&mut page, "everywhere", web::problem::ALL);
    let access = access::problems::ALL.iter().chain(access::cors::ALL);
    section(&mut page, "callers", &access.copied().collect::<Vec<_>>());
    for function in functions::ALL {
        section(&mut page, function.name, function.problems);
    }
    page
}

fn section(page: &mut String, name: &str, kinds: &[&'static Kind]) {
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
            cell(kind.title.en),
            cell(kind.detail.en),
            cell(kind.title.de),
            cell(kind.detail.de),
        );
    }
}
