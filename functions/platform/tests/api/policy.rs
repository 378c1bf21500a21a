//! Permissions: what operations ask for and what roles hold.

use std::collections::BTreeSet;

use platform::{catalogue, functions, site};
use testkit::Database;

#[tokio::test]
async fn every_permission_that_an_operation_asks_for_is_granted_to_some_role() {
    let database = Database::create().await;
    let grants = catalogue::grants(&mut database.admin().await)
        .await
        .unwrap();
    let document = site::document(&catalogue::services().unwrap());
    let asked: BTreeSet<String> = catalogue::operations(&document)
        .into_iter()
        .filter_map(|operation| operation.permission)
        .filter(|permission| permission.contains('.'))
        .collect();
    assert!(asked.len() > 15);
    for permission in &asked {
        assert!(
            grants.contains_key(permission),
            "{permission} is granted to nobody"
        );
        assert!(
            grants[permission].contains_key("superadmin"),
            "{permission}"
        );
    }
}

#[tokio::test]
async fn no_code_of_a_refusal_has_two_meanings() {
    let mut codes = BTreeSet::new();
    let shared = [web::problem::ALL, access::problems::ALL, access::cors::ALL];
    let own = functions::ALL.iter().map(|function| function.problems);
    for kind in shared.into_iter().chain(own).flatten() {
        assert!(codes.insert(kind.code), "{} is declared twice", kind.code);
        assert!(kind.status.is_client_error() || kind.status.is_server_error());
    }
}

#[tokio::test]
async fn every_function_has_a_schema_and_announces_in_its_own_name() {
    let schemas = db::migrate::functions();
    let names: BTreeSet<String> = functions::ALL.iter().map(|f| f.name.to_owned()).collect();
    assert_eq!(
        names, schemas,
        "a function without migrations, or the other way round"
    );
    for function in functions::ALL {
        for event in function.events {
            assert_eq!(event.context, function.name, "{}", event.r#type);
        }
    }
}
