//! `docs/permissions.md`: role by permission, and what each operation asks for.

use std::{collections::BTreeMap, fmt::Write as _};

use sqlx::PgConnection;
use utoipa::openapi::OpenApi;

use super::head;
use crate::Error;

/// Built-in roles, the mightiest first.
const ROLES: [&str; 5] = ["superadmin", "admin", "manager", "expert", "customer"];

/// Permission to role to reach.
pub type Grants = BTreeMap<String, BTreeMap<String, String>>;

/// The policy as the migrations made it.
pub async fn grants(connection: &mut PgConnection) -> Result<Grants, Error> {
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("select permission, base_role, reach from access.builtin_grants")
            .fetch_all(connection)
            .await?;
    let mut grants = Grants::new();
    for (permission, role, reach) in rows {
        grants.entry(permission).or_default().insert(role, reach);
    }
    Ok(grants)
}

/// The page.
pub fn page(grants: &Grants, document: &OpenApi) -> String {
    let mut page = head(
        "Permissions",
        "What the built-in roles may do, and how far it reaches: `all` rows of the tenant, those `assigned` to the person, or \
         the person's `own`. A dot means no. API keys hold permissions themselves (scopes), which reach all.",
    );
    // Writing into a String cannot fail.
    _ = writeln!(page, "\n| permission | {} |", ROLES.join(" | "));
    _ = writeln!(page, "| --- |{}", " --- |".repeat(ROLES.len()));
    for (permission, roles) in grants {
        let reaches = ROLES.map(|role| roles.get(role).map_or("·", String::as_str));
        _ = writeln!(page, "| `{permission}` | {} |", reaches.join(" | "));
    }
    _ = writeln!(
        page,
        "\n## Operations\n\n| operation | name | permission |\n| --- | --- | --- |"
    );
    for operation in operations(document) {
        let permission = match operation.permission.as_deref() {
            Some(name) if name.contains('.') => format!("`{name}`"),
            Some(words) => words.to_owned(),
            None => "everyone".to_owned(),
        };
        _ = writeln!(
            page,
            "| `{} {}` | {} | {permission} |",
            operation.method.to_uppercase(),
            operation.path,
            operation.id,
        );
    }
    page
}

/// An operation of the merged document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// In lower case.
    pub method: String,
    /// Its template.
    pub path: String,
    /// Its `operationId`.
    pub id: String,
    /// Its `x-permission`.
    pub permission: Option<String>,
}

/// Every operation, by path, then in the document's order of methods.
pub fn operations(document: &OpenApi) -> Vec<Listed> {
    let value = serde_json::to_value(document).unwrap_or_default();
    let paths = value["paths"].as_object().cloned().unwrap_or_default();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = ["get", "post", "put", "patch", "delete"];
            methods.into_iter().filter_map(move |method| {
                let operation = item.get(method)?;
                let text = |field: &str| operation[field].as_str().map(str::to_owned);
                Some(Listed {
                    method: method.to_owned(),
                    path: path.clone(),
                    id: text("operationId").unwrap_or_default(),
                    permission: text("x-permission"),
                })
            })
        })
        .collect()
}
