//! CSV (RFC 4180): reads what spreadsheets export, and writes files that are safe to open in them.

use bytes::Bytes;
use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};
use http::HeaderValue;

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
    /// The parser failed.
    #[error(transparent)]
    Broken(#[from] csv::Error),
}

/// The header, and the rows with their line numbers.
pub(crate) struct Table {
    pub(crate) header: StringRecord,
    /// At most one more than requested.
    pub(crate) rows: Vec<(u64, StringRecord)>,
}

/// Reads at most `max_rows + 1` rows. UTF-8 with or without a byte order mark; the delimiter is the one of `,` and `;` that
/// splits the header into more cells.
pub(crate) fn read(bytes: &[u8], max_rows: usize) -> Result<Table, CsvError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| CsvError::NotUtf8)?;
    let header_with = |delimiter: u8| -> Result<StringRecord, CsvError> {
        Ok(ReaderBuilder::new()
            .delimiter(delimiter)
            .from_reader(text.as_bytes())
            .headers()?
            .clone())
    };
    let (commas, semicolons) = (header_with(b',')?, header_with(b';')?);
    let (delimiter, header) = if semicolons.len() > commas.len() {
        (b';', semicolons)
    } else {
        (b',', commas)
    };
    if header.is_empty() {
        return Err(CsvError::Empty);
    }
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(text.as_bytes());
    let (mut rows, mut counted, mut line) = (Vec::new(), 0, 1);
    for record in reader.records().take(max_rows + 1) {
        let record = record?;
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

/// Number of leading bytes that are line breaks.
fn breaks(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count()
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
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
