//! Generates `docs/permissions.md`: permissions of each role, and the permission each operation requires.

use std::{collections::BTreeMap, fmt::Write as _};

use sqlx::PgConnection;
use utoipa::openapi::OpenApi;

use super::header;
use crate::Error;

/// Built-in roles, from most to least privileged.
const ROLES: [&str; 5] = ["superadmin", "admin", "manager", "expert", "customer"];

/// Permission to role to reach.
pub type Grants = BTreeMap<String, BTreeMap<String, String>>;

/// Reads the grants of the built-in roles.
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

/// Returns the page.
pub fn page(grants: &Grants, document: &OpenApi) -> String {
    let mut page = header(
        "Permissions",
        "Permissions of the built-in roles and their reach: `all` rows of the tenant, rows `assigned` to the person, or \
         the person's `own` rows. A dot means no permission. API keys have permissions of their own (scopes), always with the reach `all`.",
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
        "\n## Operations\n\nRecent: requires a person who authenticated within the last 10 minutes (`POST /auth/reauthenticate`). API keys are refused with `not_a_person`, except under `identity.user.import`, `identity.user.disable` and `tenancy.audit.read`. Some other operations require it for some of their fields; their description says so.\n\n| operation | name | permission | recent |\n| --- | --- | --- | --- |"
    );
    for operation in operations(document) {
        let permission = match operation.permission.as_deref() {
            Some(name) if name.contains('.') => format!("`{name}`"),
            Some(words) => words.to_owned(),
            None => "everyone".to_owned(),
        };
        _ = writeln!(
            page,
            "| `{} {}` | {} | {permission} | {} |",
            operation.method.to_uppercase(),
            operation.path,
            operation.id,
            if operation.is_recent { "yes" } else { "" },
        );
    }
    page
}

/// An operation of the merged document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationEntry {
    /// HTTP method in lower case.
    pub method: String,
    /// Path template.
    pub path: String,
    /// Its `operationId`.
    pub id: String,
    /// Its `x-permission`.
    pub permission: Option<String>,
    /// Its `x-recent-authentication`.
    pub is_recent: bool,
}

/// Returns every operation, ordered by path, then by method.
pub fn operations(document: &OpenApi) -> Vec<OperationEntry> {
    let value = serde_json::to_value(document).unwrap_or_default();
    let paths = value["paths"].as_object().cloned().unwrap_or_default();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = ["get", "post", "put", "patch", "delete"];
            methods.into_iter().filter_map(move |method| {
                let operation = item.get(method)?;
                let text = |field: &str| operation[field].as_str().map(str::to_owned);
                Some(OperationEntry {
                    method: method.to_owned(),
                    path: path.clone(),
                    id: text("operationId").unwrap_or_default(),
                    permission: text("x-permission"),
                    is_recent: operation["x-recent-authentication"] == true,
                })
            })
        })
        .collect()
}
