//! Converts CSV cells to JSON values.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use utoipa::openapi::{
    RefOr, Schema,
    schema::{Object, SchemaType, Type},
};

use crate::{
    csv,
    language::Localized,
    problem::{Errors, FieldCode, FieldError, Pointer, Problem},
};

use super::MAX_ROWS;

const COLUMN_COUNT: FieldCode = FieldCode::Rule(
    "column_count",
    Localized {
        de: "hat eine andere Anzahl von Zellen als die Kopfzeile",
        en: "has a different number of cells than the header",
    },
);

/// A line number, and the row as an object of its non-empty cells, or an error.
type Cells = (u64, Result<Value, FieldError>);

/// Reads the rows of a table whose header consists of field names of `schema`.
pub(super) fn values(bytes: &[u8], schema: &RefOr<Schema>) -> Result<Vec<Cells>, Problem> {
    let table = csv::read(bytes, MAX_ROWS).map_err(|error| error.problem())?;
    let RefOr::T(Schema::Object(row)) = schema else {
        return Err(Problem::internal("rows of a table are objects"));
    };
    let columns = columns(&table.header, row)?;
    let rows = table.rows.into_iter().map(|(line, record)| {
        if record.len() != columns.len() {
            let pointer = String::new();
            let code = COLUMN_COUNT;
            return (line, Err(FieldError { pointer, code }));
        }
        let cells = columns.iter().zip(&record);
        let object: Map<String, Value> = cells
            .filter(|(_, cell)| !cell.trim().is_empty())
            .map(|((name, schema), cell)| (name.clone(), value(cell, schema)))
            .collect();
        (line, Ok(Value::Object(object)))
    });
    Ok(rows.collect())
}

/// Maps columns to fields.
fn columns<'a>(
    header: &::csv::StringRecord,
    row: &'a Object,
) -> Result<Vec<(String, &'a RefOr<Schema>)>, Problem> {
    let (mut errors, mut seen) = (Errors::default(), BTreeSet::new());
    let mut columns = Vec::new();
    for name in header {
        let name = name.trim().to_ascii_lowercase();
        let at = Pointer::default().child(&name);
        if !seen.insert(name.clone()) {
            errors.refuse::<()>(&at, FieldCode::Duplicate);
        } else if let Some(schema) = row.properties.get(&name) {
            columns.push((name, schema));
        } else {
            errors.refuse::<()>(&at, FieldCode::UnknownField);
        }
    }
    let errors = errors.into_list();
    if errors.is_empty() {
        Ok(columns)
    } else {
        Err(Problem::invalid(errors))
    }
}

fn value(cell: &str, schema: &RefOr<Schema>) -> Value {
    let text = || Value::from(cell);
    match schema {
        RefOr::T(Schema::Array(_)) => cell
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Value::from)
            .collect(),
        RefOr::T(Schema::Object(object)) if has_type(object, &Type::Integer) => cell
            .trim()
            .parse::<i64>()
            .map_or_else(|_| text(), Value::from),
        RefOr::T(Schema::Object(object)) if has_type(object, &Type::Boolean) => cell
            .trim()
            .parse::<bool>()
            .map_or_else(|_| text(), Value::from),
        _ => text(),
    }
}

fn has_type(object: &Object, wanted: &Type) -> bool {
    match &object.schema_type {
        SchemaType::Type(one) => one == wanted,
        SchemaType::Array(several) => several.contains(wanted),
        SchemaType::AnyValue => false,
    }
}
