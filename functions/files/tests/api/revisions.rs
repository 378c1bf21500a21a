//! Revisions of a document.

use access::file_grant::{FileGrant, HEADER, LIFETIME, Resource, ResourceType};
use db::Actor;
use serde_json::json;
use testkit::{Client, Person};
use uuid::Uuid;

use crate::{Fixture, form};

fn ticket() -> Resource {
    Resource {
        r#type: ResourceType::parse("ticket").unwrap(),
        id: Uuid::from_u128(7),
    }
}

/// A client with a grant for the files of the ticket.
fn with_grant(fixture: &Fixture, person: &Person, internal: bool) -> Client {
    let grant = FileGrant {
        tenant: fixture.demo.id,
        actor: Actor::user(person.id),
        resource: ticket(),
        internal,
        expires_at: fixture.app.clock.now() + LIFETIME,
    };
    let text = grant.to_text(fixture.app.state.keyring());
    fixture.app.as_user(person).with(HEADER, &text)
}

#[tokio::test]
async fn only_callers_who_can_update_a_document_can_add_revisions() {
    let fixture = Fixture::new().await;
    let staff = with_grant(&fixture, &fixture.demo.admin, true);
    let customer = with_grant(&fixture, &fixture.demo.customer, false);
    let query = format!("?resource={}", ticket());
    let offer = form(&staff, &query, "offer.txt", b"100").send().await.id();
    let path = format!("/api/v1/files/{offer}");
    customer.get(&path).await.expect(200);
    let refused = form(&customer, &format!("?revision_of={offer}"), "x", b"1")
        .send()
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/revision_of");
    let list = customer.get(&format!("/api/v1/files{query}")).await.json();
    assert_eq!(list["items"][0]["id"], offer.as_str());
}

#[tokio::test]
async fn a_revision_inherits_the_properties_of_its_document() {
    let fixture = Fixture::new().await;
    let staff = with_grant(&fixture, &fixture.demo.admin, true);
    let query = format!("?resource={}&internal=true&category=document", ticket());
    let note = form(&staff, &query, "note.txt", b"one").send().await.id();
    for differing in [
        "category=image".to_owned(),
        "internal=false".to_owned(),
        format!("resource=user:{}", fixture.demo.admin.id),
    ] {
        let query = format!("?revision_of={note}&{differing}");
        let refused = form(&staff, &query, "note.txt", b"two").send().await;
        refused.expect_problem(422, "validation_failed");
    }
    let query = format!("?revision_of={note}");
    let next = form(&staff, &query, "note.txt", b"two").send().await;
    let next = next.expect(201).json();
    assert_eq!(next["resource"], ticket().to_string());
    assert_eq!(
        (&next["internal"], &next["category"]),
        (&json!(true), &json!("document"))
    );
    // A revision needs a grant, like a new file of the resource.
    form(&fixture.admin(), &query, "note.txt", b"three")
        .send()
        .await
        .expect_problem(403, "file_grant_invalid");
}

#[tokio::test]
async fn deleting_the_newest_revision_restores_the_previous_one() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let first = form(&customer, "", "plan", b"1").send().await.id();
    let query = format!("?revision_of={first}");
    let second = form(&customer, &query, "plan", b"2").send().await.id();
    let third = form(&customer, &query, "plan", b"3").send().await.id();
    let listed = async || {
        let list = customer.get("/api/v1/files").await.json();
        let items = list["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| item["revision"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [3]);
    for (deleted, remaining) in [(second, vec![3]), (third, vec![1]), (first, vec![])] {
        let path = format!("/api/v1/files/{deleted}");
        customer.delete(&path).await.expect(204);
        assert_eq!(listed().await, remaining);
    }
}
