//! Rows of another system, many in one request: CSV, a JSON array, or a JSON value a line.
//!
//! Each row is read like a body ([`crate::body!`]), and what is wrong with one says nothing of the others: the answer is a
//! [`Report`] that names every refused row. A table's cells become what the schema of the row says.

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

pub use report::{RefusedRow, Report, Tally};

use crate::{
    body::Field,
    json::collect,
    language::Localized,
    openapi::{Arg, OperationDoc},
    problem::{self, Errors, FieldCode, FieldError, Pointer, Problem},
};

/// Rows of one request: what is done within the budget to the response head, with room to spare.
pub const MAX_ROWS: usize = 2_000;
/// Bytes of one request, decompressed.
pub const MAX_BODY_BYTES: usize = 16 << 20;
/// Wrong fields that are named of one row.
const MOST_ERRORS: usize = 10;

/// Files that are taken apart at once: a value of JSON takes several times the room of its text.
static READING: Semaphore = Semaphore::const_new(2);

/// One row, right or refused.
#[derive(Debug)]
pub struct Row<T> {
    /// Its line in the file (of a JSON array: its place), from 1.
    pub line: u64,
    /// What it says, or everything that is wrong with it.
    pub read: Result<T, Vec<FieldError>>,
}

/// The rows of a request, in their order.
#[derive(Debug)]
pub struct Rows<T>(pub Vec<Row<T>>);

/// The forms in which rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
    Lines,
}

impl<S: Send + Sync, T: Field + Send + 'static> FromRequest<S> for Rows<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let form = form(request.headers()).ok_or_else(|| {
            problem::UNSUPPORTED_MEDIA_TYPE.problem().argument(
                "expected",
                "text/csv, application/json, application/x-ndjson",
            )
        })?;
        let bytes = collect(request, MAX_BODY_BYTES).await?;
        let turn = READING.acquire().await.map_err(Problem::internal)?;
        // Off the async threads: it may be a second's work. The turn goes along, also when nobody waits any more.
        tokio::task::spawn_blocking(move || {
            let rows = read(form, &bytes);
            drop(turn);
            rows
        })
        .await
        .map_err(Problem::internal)?
    }
}

fn form(headers: &HeaderMap) -> Option<Form> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next()?.trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/csv" => Some(Form::Csv),
        "application/json" => Some(Form::Json),
        "application/x-ndjson" => Some(Form::Lines),
        _ => None,
    }
}

fn read<T: Field>(form: Form, bytes: &Bytes) -> Result<Rows<T>, Problem> {
    let rows: Vec<(u64, Result<Value, FieldError>)> = match form {
        Form::Csv => cells::values(bytes, &T::schema())?,
        Form::Json => array(bytes)?
            .into_iter()
            .zip(1..)
            .map(|(value, place)| (place, Ok(value)))
            .collect(),
        Form::Lines => lines(bytes),
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
    errors.truncate(MOST_ERRORS);
    row.filter(|_| errors.is_empty()).ok_or(errors)
}

/// The items of an array, no more of them than it takes to know that they are too many.
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
                Some(item) => first.push(item),
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
            let value = serde_json::from_slice(line).map_err(|_| FieldError {
                pointer: String::new(),
                code: NO_JSON,
            });
            (number, value)
        })
        .collect()
}

const NO_JSON: FieldCode = FieldCode::Rule(
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
                "At most {MAX_ROWS} rows and {} MiB. CSV: UTF-8, a header row with the names of the fields, cells parted by `,` or `;`; an empty \
                 cell is a field that is not there, several values stand in one cell with commas between. NDJSON: an object a line.",
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
            /// How many boards.
            pub boards: Option<Int<1, 9>>,
            /// What stands on it.
            pub things: Option<BoundedVec<SingleLine<1, 9>, 3>>,
        }
    }

    fn shelves(form: Form, text: &str) -> Vec<(u64, Result<Shelf, Vec<FieldError>>)> {
        let Rows(rows) = read::<Shelf>(form, &Bytes::from(text.to_owned())).unwrap();
        rows.into_iter().map(|row| (row.line, row.read)).collect()
    }

    #[test]
    fn cells_become_what_the_schema_says() {
        let rows = shelves(
            Form::Csv,
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
        let rows = shelves(Form::Csv, "label,boards\nA,1,2\nB,2\n");
        assert_eq!(
            rows[0].1.as_ref().unwrap_err()[0].code.code(),
            "column_count"
        );
        assert!(rows[1].1.is_ok());
    }

    #[test]
    fn a_header_that_means_nothing_is_refused_at_once() {
        let refused = |text: &str| {
            let bytes = Bytes::from(text.to_owned());
            let problem = read::<Shelf>(Form::Csv, &bytes).unwrap_err();
            problem.document(crate::Language::En, "/", "")
        };
        let document = refused("label,colour,label\nA,b,c\n");
        assert_eq!(document["errors"][0]["pointer"], "/colour");
        assert_eq!(document["errors"][0]["code"], "unknown_field");
        assert_eq!(document["errors"][1]["code"], "duplicate");
        assert_eq!(refused("")["code"], "invalid_csv");
    }

    #[test]
    fn lines_and_arrays_say_where_a_row_stands() {
        let rows = shelves(Form::Lines, "{\"label\": \"A\"}\n\n{oops}\n{\"label\": 5}");
        let lines: Vec<u64> = rows.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4]);
        assert_eq!(
            rows[1].1.as_ref().unwrap_err()[0].code.code(),
            "invalid_json"
        );
        let rows = shelves(Form::Json, r#"[{"label": "A"}, 7]"#);
        assert_eq!(rows[1].0, 2);
        assert_eq!(rows[1].1.as_ref().unwrap_err()[0].code.code(), "wrong_type");
    }

    #[test]
    fn too_many_rows_are_refused_in_every_form() {
        let many = MAX_ROWS + 3;
        for (form, text) in [
            (Form::Csv, format!("label\n{}", "A\n".repeat(many))),
            (Form::Lines, "{}\n".repeat(many)),
            (Form::Json, format!("[{}]", vec!["{}"; many].join(","))),
        ] {
            let refused = read::<Shelf>(form, &Bytes::from(text)).unwrap_err();
            assert_eq!(refused.kind().code, "too_many_rows");
        }
    }

    #[test]
    fn a_file_that_is_no_array_is_no_json() {
        for text in ["{}", "[", "[] []", "", "7"] {
            let refused = read::<Shelf>(Form::Json, &Bytes::from(text)).unwrap_err();
            assert_eq!(refused.kind().code, "invalid_json", "{text}");
        }
    }
}
