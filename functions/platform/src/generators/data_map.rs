//! Generates `docs/data-map.md`: what every column holds, whom it is about, and what becomes of it.

use std::fmt::Write as _;

use events::tables::{Class, Closure, Period, Strategy, Subject, Table};

use super::{header, table_cell};
use crate::functions;

/// Returns every declared table: the shared ones, then those of each function.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    let own = functions::ALL.iter().map(|function| function.tables);
    [access::TABLES, events::TABLES]
        .into_iter()
        .chain(own)
        .flatten()
}

/// Returns the page.
pub fn page() -> String {
    let mut page = header(
        "Data map",
        "The classification of every column. `personal` relates to a person, also by an identifier; free text is personal unless it \
         cannot name anyone. `sensitive` is harmful if it becomes known. `secret` proves an identity or opens something and is never \
         exported. The last column says what happens when the person whom the row is about is erased.",
    );
    for table in tables() {
        // Writing into a String cannot fail.
        _ = write!(
            page,
            "\n## {}\n\n{}\n\n- Person: {}\n- Closed tenant: {}\n\n| column | class | erasure of the person |\n| --- | --- | --- |\n",
            table.name,
            table.doc.trim(),
            subjects(table.subjects),
            closure(table.closure),
        );
        for column in table.columns {
            _ = writeln!(
                page,
                "| {} | {} | {} |",
                column.name,
                class(column.class),
                table_cell(&strategy(column.strategy))
            );
        }
    }
    page
}

fn subjects(subjects: &[Subject]) -> String {
    if subjects.is_empty() {
        return "none".to_owned();
    }
    let texts = subjects.iter().map(|subject| match subject {
        Subject::User(column) => format!("the user in `{column}`"),
        Subject::Email(column) => format!("the email address in `{column}`"),
        Subject::Reference(column) => format!("the user named in `{column}`"),
        Subject::Path { column, table } => format!("as in `{table}`, through `{column}`"),
    });
    texts.collect::<Vec<_>>().join(" or ")
}

fn closure(closure: Closure) -> String {
    match closure {
        Closure::ErasedBy(function) => format!("erased by {function}"),
        Closure::Kept(reason) => format!("kept: {reason}"),
        Closure::NotTenantData => "no tenant data".to_owned(),
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::None => "none",
        Class::Personal => "personal",
        Class::Sensitive => "sensitive",
        Class::Child => "child",
        Class::Secret => "secret",
    }
}

fn strategy(strategy: Strategy) -> String {
    match strategy {
        Strategy::Keep => "keep".to_owned(),
        Strategy::Nullify => "nullify".to_owned(),
        Strategy::Pseudonymise => "pseudonymise".to_owned(),
        Strategy::DeleteRow => "delete the row".to_owned(),
        Strategy::KeepUntil { reason, period } => match period {
            Period::Days(days) => format!("keep for {days} days: {reason}"),
            Period::Years(years) => {
                format!("keep for {years} years after the end of the year: {reason}")
            }
        },
    }
}
