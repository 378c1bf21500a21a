//! A page for every code of a problem document: where its `type` leads.

use std::fmt::Write as _;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use web::{ProblemKind, problem};

use super::landing::{self, escape};
use crate::generators::problem_kinds;

const TEMPLATE: &str = include_str!("problem.html");

/// Returns the pages.
pub fn routes() -> Router {
    Router::new().route("/problems/{code}", get(answer))
}

async fn answer(Path(code): Path<String>) -> Response {
    match problem_kinds().find(|kind| kind.code == code) {
        Some(kind) => landing::answer(page(kind)),
        None => problem::NOT_FOUND.problem().into_response(),
    }
}

fn page(kind: &ProblemKind) -> String {
    let mut members = String::new();
    for member in kind.members {
        // Writing into a String cannot fail.
        _ = write!(
            members,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td></tr>",
            escape(member.name),
            escape(member.about)
        );
    }
    if !members.is_empty() {
        members = format!("<h2>Members</h2><table><tbody>{members}</tbody></table>");
    }
    TEMPLATE
        .replace("{{code}}", &escape(kind.code))
        .replace("{{status}}", &escape(&kind.status.to_string()))
        .replace("{{title_en}}", &escape(kind.title.en))
        .replace("{{detail_en}}", &escape(kind.detail.en))
        .replace("{{title_de}}", &escape(kind.title.de))
        .replace("{{detail_de}}", &escape(kind.detail.de))
        .replace("{{members}}", &members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_complete_page() {
        for kind in problem_kinds() {
            let page = page(kind);
            assert!(page.contains(&escape(kind.title.de)), "{}", kind.code);
            assert!(
                !page.contains("{{"),
                "{}: every placeholder is filled",
                kind.code
            );
        }
    }
}
