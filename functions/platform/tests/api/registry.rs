//! The registry of declarations is what contexts declare.

use std::fs;

use platform::generators;

use super::registration::repository_root;

#[tokio::test]
async fn the_committed_registry_is_up_to_date() {
    let committed = fs::read_to_string(repository_root().join("infra/registry.json")).unwrap();
    let fresh = generators::generate("registry", &[]).await.unwrap();
    assert_eq!(committed, fresh, "stale; run make prepare");
}
