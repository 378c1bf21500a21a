//! Output of commands. Logs go through `tracing`; everything else that is printed goes through this module.

pub use web::console::{print_line, print_text};

/// Prints an error with its causes.
pub fn print_error(error: &crate::Error) {
    web::console::print_error(&format!("platform: {error}"));
    let mut cause = error.source();
    let mut printed = error.to_string();
    while let Some(error) = cause {
        let text = error.to_string();
        // Many errors already contain the text of their cause.
        if !printed.contains(&text) {
            web::console::print_error(&format!("  caused by: {text}"));
            printed = text;
        }
        cause = error.source();
    }
}

/// Formats rows as columns, each as wide as its widest cell, indented by two spaces.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .chain([title.chars().count()])
                .max()
                .unwrap_or_default()
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        format!("  {}", padded.join("  ")).trim_end().to_owned()
    };
    let mut lines = vec![line(head.to_vec())];
    lines.extend(
        rows.iter()
            .map(|row| line(row.iter().map(String::as_str).collect())),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["demo".to_owned(), "Ä".to_owned()],
            vec!["x".to_owned(), "yy".to_owned()],
        ];
        assert_eq!(
            super::table(&["tenant", "n"], &rows),
            "  tenant  n\n  demo    Ä\n  x       yy"
        );
    }
}
