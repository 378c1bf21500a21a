//! Generates `docs/events.md`: every event type.

use std::fmt::Write as _;

use super::{header, table_cell};
use crate::functions;

/// Returns the page.
pub fn page() -> String {
    let mut page = header(
        "Events",
        "Events that functions publish, as CloudEvents 1.0. An event is stored in the transaction of the change; its data \
         contains identifiers and enumerated values, never names or addresses.",
    );
    for function in functions::ALL {
        // Writing into a String cannot fail.
        _ = write!(
            page,
            "\n## {}\n\n| type | published when |\n| --- | --- |\n",
            function.name
        );
        for event in function.events {
            _ = writeln!(page, "| `{}` | {} |", event.r#type, table_cell(event.doc));
        }
    }
    page
}
