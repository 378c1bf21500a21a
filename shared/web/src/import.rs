//! Bulk import: many rows in one request, as CSV, a JSON array or NDJSON.
//!
//! Each row is read like a body ([`crate::body!`]) and validated on its own; the response is a [`Report`] that lists every
//! refused row. CSV cells are converted to the types in the row's schema.

mod cells;
mod report;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, ObjectBuilder, Ref, RefOr, Required, Schema,
        request_body::RequestBodyBuilder,
        schema::{ArrayBuilder, Type},
    },
};

pub use report::{Outcome, RefusedRow, Report, RowResult, Tally};

use crate::{
    body::Field,
    csv,
    json::collect,
    language::Localized,
    openapi::{Arg, OperationDoc},
    problem::{self, Errors, FieldCode, FieldError, Pointer, Problem},
    strict_json::{self, Strict},
};

/// Maximum number of rows in one request; they can be processed well within the response time limit.
pub const MAX_ROWS: usize = 2_000;
/// Maximum size of a request body in bytes, after decompression.
pub const MAX_BODY_BYTES: usize = 16 << 20;
/// Maximum number of errors reported for one row.
const MAX_ERRORS_PER_ROW: usize = 10;

/// Limits concurrent parsing: a parsed JSON value takes several times the memory of its text.
static PARSE_PERMITS: Semaphore = Semaphore::const_new(2);

/// One row, valid or refused.
#[derive(Debug)]
pub struct Row<T> {
    /// Line in the file, or position in a JSON array, starting at 1.
    pub line: u64,
    /// The parsed row, or its errors.
    pub read: Result<T, Vec<FieldError>>,
}

/// The rows of a request, in order.
#[derive(Debug)]
pub struct Rows<T>(pub Vec<Row<T>>);

/// Supported formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    Lines,
}

impl<S: Send + Sync, T: Field + Send + 'static> FromRequest<S> for Rows<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let format = format_of(request.headers()).ok_or_else(|| {
            problem::UNSUPPORTED_MEDIA_TYPE.problem().argument(
                "expected",
                "text/csv, application/json, application/x-ndjson",
            )
        })?;
        let bytes = collect(request, MAX_BODY_BYTES).await?;
        let permit = PARSE_PERMITS.acquire().await.map_err(Problem::internal)?;
        // Parsing may take a second of CPU. The permit moves along, so that it is held even if the client disconnects.
        tokio::task::spawn_blocking(move || {
            let rows = read(format, &bytes);
            drop(permit);
            rows
        })
        .await
        .map_err(Problem::internal)?
    }
}

fn format_of(headers: &HeaderMap) -> Option<Format> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next()?.trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/csv" => Some(Format::Csv),
        "application/json" => Some(Format::Json),
        "application/x-ndjson" => Some(Format::Lines),
        _ => None,
    }
}

fn read<T: Field>(format: Format, bytes: &Bytes) -> Result<Rows<T>, Problem> {
    let rows: Vec<(u64, Result<Value, FieldError>)> = match format {
        Format::Csv => cells::values(bytes, &T::schema())?,
        Format::Json => array(csv::without_bom(bytes))?
            .into_iter()
            .zip(1..)
            .map(|(value, place)| (place, Ok(value)))
            .collect(),
        Format::Lines => lines(csv::without_bom(bytes)),
    };
    if rows.len() > MAX_ROWS {
        return Err(problem::TOO_MANY_ROWS.problem().argument("limit", MAX_ROWS));
    }
    let rows = rows.into_iter().map(|(line, value)| Row {
        line,
        read: value.map_err(|error| vec![error]).and_then(read_row),
    });
    Ok(Rows(rows.collect()))
}

fn read_row<T: Field>(value: Value) -> Result<T, Vec<FieldError>> {
    let mut errors = Errors::default();
    let row = T::read(value, &Pointer::default(), &mut errors);
    let mut errors = errors.into_list();
    errors.truncate(MAX_ERRORS_PER_ROW);
    row.filter(|_| errors.is_empty()).ok_or(errors)
}

/// The items of an array, at most `MAX_ROWS + 1`: enough to detect that there are too many.
fn array(bytes: &[u8]) -> Result<Vec<Value>, Problem> {
    let refused = |error| problem::INVALID_JSON.problem().argument("cause", error);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let items = FirstItems.deserialize(&mut json).map_err(refused)?;
    json.end().map_err(refused)?;
    Ok(items)
}

struct FirstItems;

impl<'de> DeserializeSeed<'de> for FirstItems {
    type Value = Vec<Value>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Value>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FirstItems {
    type Value = Vec<Value>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Value>, A::Error> {
        let mut first = Vec::new();
        while first.len() <= MAX_ROWS {
            match items.next_element()? {
                Some(Strict(item)) => first.push(item),
                None => return Ok(first),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}

fn lines(bytes: &[u8]) -> Vec<(u64, Result<Value, FieldError>)> {
    bytes
        .split(|byte| *byte == b'\n')
        .zip(1..)
        .filter(|(line, _)| !line.trim_ascii().is_empty())
        .take(MAX_ROWS + 1)
        .map(|(line, number)| {
            let value = strict_json::from_slice(line).map_err(|_| FieldError {
                pointer: String::new(),
                code: NOT_JSON,
            });
            (number, value)
        })
        .collect()
}

const NOT_JSON: FieldCode = FieldCode::Rule(
    "invalid_json",
    Localized {
        de: "ist kein gültiges JSON",
        en: "is not valid JSON",
    },
);

impl<T: ToSchema> Arg for Rows<T> {
    fn describe(doc: &mut OperationDoc) {
        let name = T::name().into_owned();
        let one: RefOr<Schema> = RefOr::Ref(Ref::from_schema_name(name.clone()));
        doc.schemas.push((name, T::schema()));
        T::schemas(&mut doc.schemas);
        let array = ArrayBuilder::new()
            .items(one)
            .max_items(Some(MAX_ROWS))
            .build();
        let text = || {
            let schema = ObjectBuilder::new().schema_type(Type::String).build();
            ContentBuilder::new().schema(Some(schema)).build()
        };
        let json = ContentBuilder::new().schema(Some(array)).build();
        let body = RequestBodyBuilder::new()
            .description(Some(format!(
                "At most {MAX_ROWS} rows and {} MiB. CSV: UTF-8 with a header row of field names, separated by `,` or `;`. An empty cell means \
                 that the field is absent; multiple values in a cell are separated by commas. NDJSON: one object per line.",
                MAX_BODY_BYTES >> 20
            )))
            .content("application/json", json)
            .content("text/csv", text())
            .content("application/x-ndjson", text())
            .required(Some(Required::True))
            .build();
        doc.operation.request_body = Some(RefOr::T(body));
        for kind in [
            &problem::INVALID_JSON,
            &problem::INVALID_CSV,
            &problem::TOO_LARGE,
            &problem::TOO_MANY_ROWS,
            &problem::UNSUPPORTED_MEDIA_TYPE,
            &problem::VALIDATION_FAILED,
        ] {
            doc.refuses(kind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        SingleLine,
        body::{BoundedVec, Int},
    };

    crate::body! {
        /// A shelf.
        pub struct Shelf {
            /// Its label.
            pub label: SingleLine<1, 5>,
            /// Number of boards.
            pub boards: Option<Int<1, 9>>,
            /// Its contents.
            pub things: Option<BoundedVec<SingleLine<1, 9>, 3>>,
        }
    }

    fn shelves(format: Format, text: &str) -> Vec<(u64, Result<Shelf, Vec<FieldError>>)> {
        let Rows(rows) = read::<Shelf>(format, &Bytes::from(text.to_owned())).unwrap();
        rows.into_iter().map(|row| (row.line, row.read)).collect()
    }

    #[test]
    fn cells_become_what_the_schema_says() {
        let rows = shelves(
            Format::Csv,
            "Label;boards;things\nA;3;x, y,\nB;;\n\n=C;many;a\n",
        );
        let (line, first) = &rows[0];
        let first = first.as_ref().unwrap();
        assert_eq!((*line, first.label.as_str()), (2, "A"));
        assert_eq!(first.boards.map(Int::get), Some(3));
        assert_eq!(first.things.as_ref().unwrap().0.len(), 2);
        let second = rows[1].1.as_ref().unwrap();
        assert!(second.boards.is_none() && second.things.is_none());
        let (line, third) = &rows[2];
        assert_eq!(*line, 5);
        assert_eq!(third.as_ref().unwrap_err()[0].pointer, "/boards");
    }

    #[test]
    fn a_row_with_too_many_cells_is_refused_alone() {
        let rows = shelves(Format::Csv, "label,boards\nA,1,2\nB,2\n");
        assert_eq!(
            rows[0].1.as_ref().unwrap_err()[0].code.code(),
            "column_count"
        );
        assert!(rows[1].1.is_ok());
    }

    #[test]
    fn an_unknown_header_refuses_the_whole_file() {
        let refused = |text: &str| {
            let bytes = Bytes::from(text.to_owned());
            let problem = read::<Shelf>(Format::Csv, &bytes).unwrap_err();
            problem.document(crate::Language::En, "/", "")
        };
        let document = refused("label,colour,label\nA,b,c\n");
        assert_eq!(document["errors"][0]["pointer"], "/colour");
        assert_eq!(document["errors"][0]["code"], "unknown_field");
        assert_eq!(document["errors"][1]["code"], "duplicate");
        assert_eq!(refused("")["code"], "invalid_csv");
    }

    #[test]
    fn rows_of_lines_and_arrays_have_their_position() {
        let rows = shelves(
            Format::Lines,
            "{\"label\": \"A\"}\n\n{oops}\n{\"label\": 5}",
        );
        let lines: Vec<u64> = rows.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4]);
        assert_eq!(
            rows[1].1.as_ref().unwrap_err()[0].code.code(),
            "invalid_json"
        );
        let rows = shelves(Format::Json, r#"[{"label": "A"}, 7]"#);
        assert_eq!(rows[1].0, 2);
        assert_eq!(rows[1].1.as_ref().unwrap_err()[0].code.code(), "wrong_type");
    }

    #[test]
    fn too_many_rows_are_refused_in_every_form() {
        let many = MAX_ROWS + 3;
        for (format, text) in [
            (Format::Csv, format!("label\n{}", "A\n".repeat(many))),
            (Format::Lines, "{}\n".repeat(many)),
            (Format::Json, format!("[{}]", vec!["{}"; many].join(","))),
        ] {
            let refused = read::<Shelf>(format, &Bytes::from(text)).unwrap_err();
            assert_eq!(refused.kind().code, "too_many_rows");
        }
    }

    #[test]
    fn a_file_that_is_not_an_array_is_invalid_json() {
        for text in ["{}", "[", "[] []", "", "7"] {
            let refused = read::<Shelf>(Format::Json, &Bytes::from(text)).unwrap_err();
            assert_eq!(refused.kind().code, "invalid_json", "{text}");
        }
    }
}
