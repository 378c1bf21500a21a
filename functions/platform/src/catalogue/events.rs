//! `docs/events.md`: what the functions announce.

use std::fmt::Write as _;

use super::{cell, head};
use crate::functions;

/// The page.
pub fn page() -> String {
    let mut page = head(
        "Events",
        "What functions announce, as CloudEvents 1.0. An announcement is written in the transaction of the change; its data \
         are identifiers and plain words, never names or addresses.",
    );
    for function in functions::ALL {
        // Writing into a String cannot fail.
        _ = write!(
            page,
            "\n## {}\n\n| type | announced when |\n| --- | --- |\n",
            function.name
        );
        for event in function.events {
            _ = writeln!(page, "| `{}` | {} |", event.r#type, cell(event.doc));
        }
    }
    page
}
