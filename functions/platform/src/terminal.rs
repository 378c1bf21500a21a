//! The only place that writes to the terminal: logs go through `tracing`, answers to whoever typed the command come here.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]

/// A line for the person in front of it.
pub fn say(line: &str) {
    println!("{line}");
}

/// Text as it is, for a file.
pub fn print(text: &str) {
    print!("{text}");
}

/// Why the program ends, with its causes.
pub fn complain(error: &crate::Error) {
    eprintln!("platform: {error}");
    let mut cause = error.source();
    let mut said = error.to_string();
    while let Some(error) = cause {
        let text = error.to_string();
        // Many errors repeat their cause in their own text.
        if !said.contains(&text) {
            eprintln!("  because: {text}");
            said = text;
        }
        cause = error.source();
    }
}

/// Rows in columns as wide as their widest cell, indented by two.
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
