//! Permissions, problem codes, schemas and events across functions.

use std::collections::BTreeSet;

use platform::{functions, generators, site};
use testkit::Database;

#[tokio::test]
async fn every_required_permission_is_granted_to_a_role() {
    let database = Database::lease().await;
    let grants = generators::grants(&mut database.admin().await)
        .await
        .unwrap();
    let document = site::document(&functions::services().unwrap());
    let asked: BTreeSet<String> = generators::operations(&document)
        .into_iter()
        .filter_map(|operation| operation.permission)
        .filter(|permission| permission.contains('.'))
        .collect();
    assert!(asked.len() > 15);
    for permission in &asked {
        assert!(
            grants.contains_key(permission),
            "{permission} is not granted to any role"
        );
        assert!(
            grants[permission].contains_key("superadmin"),
            "{permission}"
        );
    }
}

#[tokio::test]
async fn problem_codes_are_unique() {
    let mut codes = BTreeSet::new();
    let shared = [web::problem::ALL, access::problems::ALL, access::cors::ALL];
    let own = functions::ALL.iter().map(|function| function.problems);
    for kind in shared.into_iter().chain(own).flatten() {
        assert!(codes.insert(kind.code), "{} is declared twice", kind.code);
        assert!(kind.status.is_client_error() || kind.status.is_server_error());
    }
}

#[tokio::test]
async fn every_function_has_a_schema_and_publishes_in_its_own_context() {
    let schemas = db::migrate::functions();
    let names: BTreeSet<String> = functions::ALL.iter().map(|f| f.name.to_owned()).collect();
    assert_eq!(names, schemas, "functions and schemas differ");
    for function in functions::ALL {
        for event in function.events {
            assert_eq!(event.context, function.name, "{}", event.r#type);
        }
    }
}
