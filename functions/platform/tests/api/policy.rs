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

/// Changes that need an audit entry but no recent authentication, each with the reason.
const WITHOUT_RECENT_AUTHENTICATION: &[(&str, &str)] = &[
    (
        "create_user",
        "required for a password and for roles that manage people",
    ),
    ("update_user", "required for email address, role and status"),
    (
        "update_me",
        "the own profile; the email address has a flow of its own",
    ),
    (
        "invite_user",
        "the invitation goes to the address that an earlier request set",
    ),
    ("replace_expertise", "gives no access"),
    ("replace_rates", "gives no access"),
    (
        "delete_user_session",
        "only takes access away, in an emergency",
    ),
    (
        "delete_user_sessions",
        "only takes access away, in an emergency",
    ),
    ("revoke_api_key", "only takes access away, in an emergency"),
    ("create_tenant", "gives access to nothing that exists"),
    ("update_tenant", "changes names and languages"),
    ("update_license", "platform staff, with a reason"),
    ("update_features", "platform staff, with a reason"),
    ("import_tickets", "daily work, and gives no access"),
    ("update_file", "daily work, and gives no access"),
    ("delete_file", "daily work; the content is kept for a time"),
];

/// Permissions that API keys have although people need a recent authentication for them, each with the reason.
const OPEN_TO_KEYS: &[(&str, &str)] = &[
    (
        "identity.user.import",
        "scripts bring experts and customers from another system; a key has no authority over higher roles",
    ),
    (
        "identity.user.disable",
        "scripts end the accounts of people who have left; a key has no authority over higher roles",
    ),
    (
        "tenancy.audit.read",
        "scripts archive the audit log, which a key can read page by page as well",
    ),
];

#[test]
fn what_needs_a_recent_authentication_is_closed_to_keys_or_says_why_not() {
    let open: BTreeSet<&str> = functions::ALL
        .iter()
        .flat_map(|context| context.permissions)
        .filter(|permission| permission.is_open_to_keys)
        .map(|permission| permission.name)
        .collect();
    let listed: BTreeSet<&str> = OPEN_TO_KEYS.iter().map(|(name, _)| *name).collect();
    assert_eq!(open, listed);
}

#[tokio::test]
async fn sensitive_changes_require_recent_authentication_or_say_why_not() {
    let audited: BTreeSet<&str> = functions::ALL
        .iter()
        .flat_map(|context| context.permissions)
        .filter(|permission| permission.is_audited)
        .map(|permission| permission.name)
        .collect();
    let document = site::document(&functions::services().unwrap());
    let mut exempt = BTreeSet::new();
    for operation in generators::operations(&document) {
        let permission = operation.permission.as_deref().unwrap_or_default();
        if operation.method != "get" && audited.contains(permission) && !operation.is_recent {
            let id = operation.id.split("_by_").next().unwrap_or_default();
            exempt.insert(id.to_owned());
        }
    }
    let listed: BTreeSet<String> = WITHOUT_RECENT_AUTHENTICATION
        .iter()
        .map(|(id, _)| (*id).to_owned())
        .collect();
    assert_eq!(exempt, listed);
}
