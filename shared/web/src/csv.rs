//! CSV (RFC 4180): reads what spreadsheets export, and writes files that are safe to open in them.

use bytes::Bytes;
use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};
use http::HeaderValue;

use crate::{
    language::Localized,
    problem::{self, FieldCode, FieldError, Problem},
};

/// The media type of CSV responses.
pub const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CsvError {
    /// The file is not UTF-8.
    #[error("the file is not UTF-8")]
    NotUtf8,
    /// The file has no header.
    #[error("the file has no header row")]
    Empty,
    /// RFC 4180, 2.5 and 2.6: a quoted cell ends with a quote.
    #[error("line {0}: the quote that opens a cell is never closed")]
    UnclosedQuote(u64),
    /// RFC 4180, 2.5: nothing follows a closing quote in its cell.
    #[error("line {0}: text follows the quote that closes a cell")]
    TextAfterQuote(u64),
    /// The parser failed.
    #[error(transparent)]
    Broken(#[from] csv::Error),
}

impl CsvError {
    /// The refusal. Its cause is a field error of the whole file, so that it is in the caller's language.
    pub(crate) fn problem(&self) -> Problem {
        let (code, line) = match self {
            Self::NotUtf8 => (NOT_UTF8, None),
            Self::Empty => (NO_HEADER, None),
            Self::UnclosedQuote(line) => (UNCLOSED_QUOTE, Some(*line)),
            Self::TextAfterQuote(line) => (TEXT_AFTER_QUOTE, Some(*line)),
            Self::Broken(error) => {
                let line = error.position().map(csv::Position::line);
                (BROKEN, line)
            }
        };
        let pointer = String::new();
        let problem = problem::INVALID_CSV
            .problem()
            .with_errors(vec![FieldError { pointer, code }]);
        match line {
            Some(line) => problem.member("line", line),
            None => problem,
        }
    }
}

const NOT_UTF8: FieldCode = FieldCode::Rule(
    "not_utf8",
    Localized {
        de: "muss in UTF-8 kodiert sein",
        en: "must be encoded in UTF-8",
    },
);
const NO_HEADER: FieldCode = FieldCode::Rule(
    "no_header",
    Localized {
        de: "muss mit einer Kopfzeile beginnen",
        en: "must begin with a header row",
    },
);
const UNCLOSED_QUOTE: FieldCode = FieldCode::Rule(
    "unclosed_quote",
    Localized {
        de: "enthält ein Anführungszeichen, das nicht geschlossen wird; line nennt die Zeile, in der es beginnt",
        en: "contains a quote that is never closed; line is the line where it opens",
    },
);
const TEXT_AFTER_QUOTE: FieldCode = FieldCode::Rule(
    "text_after_quote",
    Localized {
        de: "enthält Text hinter einem schließenden Anführungszeichen; line nennt die Zeile, in der die Zelle beginnt",
        en: "contains text behind a closing quote; line is the line where the cell begins",
    },
);
const BROKEN: FieldCode = FieldCode::Rule(
    "not_csv",
    Localized {
        de: "ist keine gültige CSV-Datei",
        en: "is not valid CSV",
    },
);

/// The header, and the rows with their line numbers.
pub(crate) struct Table {
    pub(crate) header: StringRecord,
    /// At most one more than requested.
    pub(crate) rows: Vec<(u64, StringRecord)>,
}

/// Reads at most `max_rows + 1` rows. UTF-8 with or without a byte order mark; the delimiter is the one of `,` and `;` that
/// splits the header into more cells.
pub(crate) fn read(bytes: &[u8], max_rows: usize) -> Result<Table, CsvError> {
    let bytes = without_bom(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| CsvError::NotUtf8)?;
    let (text, declared) = without_declaration(text);
    let skipped = count_lines(&bytes[..bytes.len() - text.len()]);
    let bytes = text.as_bytes();
    let header_with = |delimiter: u8| -> Result<StringRecord, CsvError> {
        Ok(ReaderBuilder::new()
            .delimiter(delimiter)
            .from_reader(text.as_bytes())
            .headers()?
            .clone())
    };
    let (commas, semicolons) = (header_with(b',')?, header_with(b';')?);
    let is_semicolon = declared.map_or(semicolons.len() > commas.len(), |one| one == b';');
    let (delimiter, mut header) = if is_semicolon {
        (b';', semicolons)
    } else {
        (b',', commas)
    };
    check_quotes(text, delimiter, skipped + 1)?;
    // Excel ends every line with the delimiters of columns that once had a value.
    let columns = filled(&header);
    header.truncate(columns);
    if header.is_empty() {
        return Err(CsvError::Empty);
    }
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(text.as_bytes());
    let (mut rows, mut counted, mut line) = (Vec::new(), 0, skipped + 1);
    for record in reader.records().take(max_rows + 1) {
        let mut record = record?;
        if record.len() > columns && filled(&record) <= columns {
            record.truncate(columns);
        }
        // The parser reports the line of the preceding break if that is CRLF or an empty line, so lines are counted here.
        let start = record
            .position()
            .and_then(|position| usize::try_from(position.byte()).ok())
            .map_or(counted, |start| start + breaks(&bytes[start..]));
        line += count_lines(&bytes[counted..start]);
        counted = start;
        rows.push((line, record));
    }
    Ok(Table { header, rows })
}

/// A byte order mark means nothing in UTF-8, but spreadsheets write it.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// The text behind a first line `sep=;`, with which Excel declares the delimiter.
fn without_declaration(text: &str) -> (&str, Option<u8>) {
    let declared = text
        .strip_prefix("sep=")
        .and_then(|rest| rest.split_at_checked(1))
        .and_then(|(delimiter, rest)| {
            let rest = rest
                .strip_prefix("\r\n")
                .or_else(|| rest.strip_prefix(['\r', '\n']))?;
            Some((rest, delimiter.as_bytes().first().copied()))
        });
    declared.unwrap_or((text, None))
}

/// Number of cells up to the last one that is not empty.
fn filled(record: &StringRecord) -> usize {
    let cells = record.iter().zip(1..);
    let filled = cells.filter(|(cell, _)| !cell.trim().is_empty());
    filled.map(|(_, place)| place).last().unwrap_or_default()
}

/// Checks that every quote that opens a cell is closed at the end of the cell. The parser takes a file for one huge cell from a
/// quote that is not, and all rows behind it would be lost. A quote in the middle of an unquoted cell is a character like any other.
fn check_quotes(text: &str, delimiter: u8, first_line: u64) -> Result<(), CsvError> {
    let bytes = text.as_bytes();
    let line_of = |at: usize| first_line + count_lines(&bytes[..at]);
    let is_end = |byte: u8| byte == delimiter || matches!(byte, b'\r' | b'\n');
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'"' {
            let opened = at;
            at += 1;
            loop {
                match bytes.get(at) {
                    None => return Err(CsvError::UnclosedQuote(line_of(opened))),
                    Some(b'"') if bytes.get(at + 1) == Some(&b'"') => at += 2,
                    Some(b'"') => break,
                    Some(_) => at += 1,
                }
            }
            at += 1;
            if bytes.get(at).is_some_and(|byte| !is_end(*byte)) {
                return Err(CsvError::TextAfterQuote(line_of(opened)));
            }
        } else {
            at += bytes[at..]
                .iter()
                .take_while(|byte| !is_end(**byte))
                .count();
        }
        at += 1;
    }
    Ok(())
}

/// Number of leading bytes that are line breaks.
fn breaks(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count()
}

/// Number of line breaks: CRLF, LF or CR.
fn count_lines(bytes: &[u8]) -> u64 {
    let is_break = |(at, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    bytes
        .iter()
        .enumerate()
        .map(|place| u64::from(is_break(place)))
        .sum()
}

/// Writes records separated by CRLF. A cell that a spreadsheet would take for a formula is prefixed with an apostrophe.
pub fn write<R, C>(records: impl IntoIterator<Item = R>) -> std::io::Result<Bytes>
where
    R: IntoIterator<Item = C>,
    C: AsRef<str>,
{
    let mut writer = WriterBuilder::new()
        .flexible(true)
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    for record in records {
        for cell in record {
            let cell = cell.as_ref();
            if is_formula(cell) {
                writer.write_field(format!("'{cell}"))?;
            } else {
                writer.write_field(cell)?;
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    Ok(bytes.into())
}

/// Whether a spreadsheet would evaluate the cell (OWASP, "CSV injection").
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<(u64, Vec<String>)> {
        let table = read(text.as_bytes(), 100).unwrap();
        let owned = |record: &StringRecord| record.iter().map(str::to_owned).collect();
        std::iter::once((1, owned(&table.header)))
            .chain(
                table
                    .rows
                    .iter()
                    .map(|(line, record)| (*line, owned(record))),
            )
            .collect()
    }

    #[test]
    fn both_delimiters_are_read() {
        let wanted = vec![
            (1, vec!["a".to_owned(), "b".to_owned()]),
            (2, vec!["x, y; z".to_owned(), "two\nlines".to_owned()]),
            (4, vec!["\"".to_owned(), String::new()]),
        ];
        assert_eq!(
            cells("a,b\r\n\"x, y; z\",\"two\nlines\"\r\n\"\"\"\",\r\n"),
            wanted
        );
        assert_eq!(
            cells("\u{feff}a;b\n\"x, y; z\";\"two\nlines\"\n\"\"\"\";\n"),
            wanted
        );
    }

    fn refusal(text: &str) -> String {
        read(text.as_bytes(), 100).err().unwrap().to_string()
    }

    #[test]
    fn no_row_is_lost_behind_a_quote() {
        for (text, line) in [
            ("a,b\n1,\"unclosed\n2,fine\n", 2),
            ("a,b\r\n1,x\r\n\"2,\"\"fine\r\n3,y", 3),
            ("a,\"b\n1,2", 1),
            ("a,b\r1,x\r2,\"y\r", 3),
        ] {
            let wanted = format!("line {line}: the quote that opens a cell is never closed");
            assert_eq!(refusal(text), wanted, "{text}");
        }
        assert_eq!(
            refusal("sep=;\na;b\n1;x\n2;\"A\"B\n"),
            "line 4: text follows the quote that closes a cell"
        );
        // Inches.
        assert_eq!(
            cells("a\nMonitor 24\" broken\n")[1].1,
            ["Monitor 24\" broken"]
        );
    }

    #[test]
    fn what_excel_adds_is_ignored() {
        let wanted = vec![
            (2, vec!["a".to_owned(), "b".to_owned()]),
            (3, vec!["1".to_owned(), "x".to_owned()]),
        ];
        let mut found = cells("sep=;\r\na;b;;\r\n1;x;;\r\n");
        found[0].0 = 2;
        assert_eq!(found, wanted);
        // A value beyond the last column is not ignored.
        assert_eq!(cells("a,b\n1,2,3\n")[1].1.len(), 3);
        // Lines that end with CR alone, as old programs write them.
        let lines: Vec<u64> = cells("a,b\r1,x\r2,y\r").iter().map(|row| row.0).collect();
        assert_eq!(lines, [1, 2, 3]);
    }

    #[test]
    fn a_file_without_a_table_is_refused() {
        assert!(matches!(read(b"", 9), Err(CsvError::Empty)));
        assert!(matches!(read(b"a,\xff", 9), Err(CsvError::NotUtf8)));
        let ten = "a\n".repeat(11);
        assert_eq!(read(ten.as_bytes(), 3).unwrap().rows.len(), 4);
    }

    #[test]
    fn formulas_and_delimiters_are_escaped() {
        let written = write([["=1+1", "a\"b"], ["@x", "c\r\nd"], ["-", "plain"]]).unwrap();
        assert_eq!(
            written.as_ref(),
            b"'=1+1,\"a\"\"b\"\r\n'@x,\"c\r\nd\"\r\n'-,plain\r\n"
        );
    }
}
