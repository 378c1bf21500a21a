//! Into Google's store, and out of it.

use blob::{Gcs, Store};
use chrono::TimeDelta;
use files::Scanner;
use serde_json::{Value, json};
use testkit::fake_gcs::FakeGcs;

use super::{
    begin, complete, follow, goes_in_and_comes_out, put, what_is_wrong_is_given_to_nobody,
    what_nobody_completes_is_given_up,
};
use crate::{Place, scans::listening, upload};

async fn place(scanner: Scanner) -> (FakeGcs, Place) {
    let fake = FakeGcs::start().await;
    let store = Gcs::at(fake.address(), FakeGcs::BUCKET, fake.account());
    let place = Place::on(Store::Gcs(store), scanner).await;
    (fake, place)
}

#[tokio::test]
async fn a_file_goes_straight_to_google_and_comes_back() {
    let (_fake, place) = place(Scanner::Disabled).await;
    goes_in_and_comes_out(&place).await;
}

#[tokio::test]
async fn what_is_wrong_at_google_is_given_to_nobody() {
    let (scanner, _) = listening().await;
    let (_fake, place) = place(scanner).await;
    what_is_wrong_is_given_to_nobody(&place).await;
}

#[tokio::test]
async fn what_nobody_completes_at_google_is_given_up() {
    let (_fake, place) = place(Scanner::Disabled).await;
    what_nobody_completes_is_given_up(&place).await;
}

#[tokio::test]
async fn google_takes_what_was_signed_and_gives_it_for_minutes() {
    let (fake, place) = place(Scanner::Disabled).await;
    let customer = place.customer();
    let slot = begin(&customer, json!({"name": "a", "size": 5})).await;
    for wrong in ["1234", "123456"] {
        assert_eq!(put(&slot, wrong.into()).await, 400);
    }
    let mut without = slot.clone();
    without["headers"] = json!({});
    assert_eq!(put(&without, b"hello".to_vec()).await, 403);
    complete(&customer, &slot)
        .await
        .expect_problem(409, "upload_incomplete");
    assert_eq!(put(&slot, b"hello".to_vec()).await, 200);
    complete(&customer, &slot).await.expect(200);
    let id = slot["id"].as_str().unwrap();
    let path = format!("/api/v1/files/{id}/content");
    let sent = customer.get(&path).await.expect(302);
    let address = sent.header("location");
    assert_eq!(follow(address).await.status(), 200);
    assert_eq!(
        follow(&address.replace("attachment", "inline"))
            .await
            .status(),
        403
    );
    fake.wait(TimeDelta::seconds(301));
    assert_eq!(follow(address).await.status(), 400);
    fake.wait(TimeDelta::minutes(10));
    assert_eq!(put(&slot, b"other".to_vec()).await, 400);
}

#[tokio::test]
async fn while_google_is_away_nothing_is_lost() {
    let (fake, place) = place(Scanner::Disabled).await;
    let customer = place.customer();
    let kept = upload(&customer, "a.txt", b"hello").await.json();
    assert_eq!(kept["status"], "clean");
    let slot = begin(&customer, json!({"name": "b", "size": 5})).await;
    assert_eq!(put(&slot, b"hello".to_vec()).await, 200);
    fake.set_unavailable(true);
    complete(&customer, &slot)
        .await
        .expect_problem(503, "unavailable");
    fake.set_unavailable(false);
    let file: Value = complete(&customer, &slot).await.expect(200).json();
    assert_eq!(file["status"], "clean");
}

#[tokio::test]
async fn what_google_gives_no_address_for_takes_no_room() {
    let fake = FakeGcs::start().await;
    let mut account = fake.account();
    account["private_key"] = json!("none");
    let store = Gcs::at(fake.address(), FakeGcs::BUCKET, account);
    let place = Place::on(Store::Gcs(store), Scanner::Disabled).await;
    let body = json!({"name": "a", "size": 5});
    let refused = place.customer().post("/api/v1/uploads", body).await;
    refused.expect_problem(503, "unavailable");
    assert_eq!(place.room().await, (0, 0));
}
