//! A page as a table: one column for each property of the schema, `author.name` for those of an object.

use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};
use web::{Page, csv};

/// Objects inside of objects are flattened so far; deeper ones are written as JSON.
const MAX_DEPTH: usize = 3;

/// The table, with a header row. Changes since a token have a first column `deleted`.
pub(super) fn table<T: Serialize + ToSchema>(page: &Page<T>) -> std::io::Result<bytes::Bytes> {
    let columns = columns::<T>();
    let is_sync = page.deleted.is_some();
    let mut rows = vec![header(&columns, is_sync)];
    for item in &page.items {
        let item = serde_json::to_value(item)?;
        let mut row: Vec<String> = if is_sync {
            vec![String::new()]
        } else {
            Vec::new()
        };
        row.extend(columns.iter().map(|column| cell(find(&item, column))));
        rows.push(row);
    }
    for deleted in page.deleted.iter().flatten() {
        let mut row = vec!["true".to_owned()];
        row.extend(columns.iter().map(|column| match column.as_str() {
            "id" => deleted.id.clone(),
            "version" => deleted.version.to_string(),
            _ => String::new(),
        }));
        rows.push(row);
    }
    csv::write(rows)
}

fn header(columns: &[String], is_sync: bool) -> Vec<String> {
    let first = is_sync.then(|| "deleted".to_owned());
    first.into_iter().chain(columns.iter().cloned()).collect()
}

fn columns<T: ToSchema>() -> Vec<String> {
    let mut schemas = Vec::new();
    T::schemas(&mut schemas);
    let mut columns = Vec::new();
    collect(&T::schema(), "", 0, &schemas, &mut columns);
    columns
}

fn collect(
    schema: &RefOr<Schema>,
    path: &str,
    depth: usize,
    schemas: &[(String, RefOr<Schema>)],
    columns: &mut Vec<String>,
) {
    let parts: Vec<&RefOr<Schema>> = match resolve(schema, schemas) {
        Some(Schema::Object(object)) if !object.properties.is_empty() && depth < MAX_DEPTH => {
            for (name, property) in &object.properties {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                collect(property, &path, depth + 1, schemas, columns);
            }
            return;
        }
        // A resource with additional members.
        Some(Schema::AllOf(all)) => all.items.iter().collect(),
        // An object or null.
        Some(Schema::OneOf(one)) => {
            let is_object = |item: &&RefOr<Schema>| matches!(resolve(item, schemas), Some(Schema::Object(object)) if !object.properties.is_empty());
            one.items.iter().find(is_object).into_iter().collect()
        }
        _ => Vec::new(),
    };
    if parts.is_empty() {
        columns.push(path.to_owned());
    }
    for part in parts {
        collect(part, path, depth, schemas, columns);
    }
}

fn resolve<'a>(
    schema: &'a RefOr<Schema>,
    schemas: &'a [(String, RefOr<Schema>)],
) -> Option<&'a Schema> {
    match schema {
        RefOr::T(schema) => Some(schema),
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next()?;
            let (_, schema) = schemas.iter().find(|(known, _)| known == name)?;
            match schema {
                RefOr::T(schema) => Some(schema),
                RefOr::Ref(_) => None,
            }
        }
    }
}

fn find<'a>(item: &'a Value, column: &str) -> &'a Value {
    column.split('.').fold(item, |value, name| &value[name])
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items)
            if items
                .iter()
                .all(|item| !item.is_object() && !item.is_array()) =>
        {
            items.iter().map(cell).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use web::cursor::Deleted;

    use super::*;

    #[derive(Serialize, ToSchema)]
    struct Author {
        name: String,
        age: Option<i32>,
    }

    #[derive(Serialize, ToSchema)]
    struct Book {
        id: i32,
        title: String,
        author: Author,
        editor: Option<Author>,
        tags: Vec<String>,
        #[schema(value_type = Object)]
        notes: Value,
    }

    fn text(page: &Page<Book>) -> String {
        String::from_utf8(table(page).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_row_has_a_column_for_each_property() {
        let book = Book {
            id: 7,
            title: "=1+1; \"x\"".to_owned(),
            author: Author {
                name: "Ada".to_owned(),
                age: None,
            },
            editor: None,
            tags: vec!["a".to_owned(), "b".to_owned()],
            notes: json!({"x": 1}),
        };
        let mut page = Page::of(vec![book], None);
        assert_eq!(
            text(&page),
            "id,title,author.name,author.age,editor.name,editor.age,tags,notes\r\n\
             7,\"'=1+1; \"\"x\"\"\",Ada,,,,a; b,\"{\"\"x\"\":1}\"\r\n"
        );
        page.items.clear();
        page.deleted = Some(vec![Deleted {
            id: "9".to_owned(),
            version: 2,
        }]);
        assert_eq!(
            text(&page),
            "deleted,id,title,author.name,author.age,editor.name,editor.age,tags,notes\r\n\
             true,9,,,,,,,\r\n"
        );
    }
}
