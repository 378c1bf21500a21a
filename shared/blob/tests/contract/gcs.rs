//! Google's store, as our own stand-in speaks it.

use std::time::Duration;

use blob::{BytesSource, Gcs, ResponseHeaders, SignedPut, Source, Store, StoreError};
use chrono::TimeDelta;
use google_cloud_auth::credentials::service_account::Builder as Account;
use google_cloud_storage::builder::storage::SignedUrlBuilder;
use testkit::fake_gcs::FakeGcs;

use crate::{SHOWN, Stream, keeps_addresses, keeps_the_contract, key, names, read, send};

const MINUTE: Duration = Duration::from_mins(1);

/// A stand-in, and a store of its bucket.
async fn start() -> (FakeGcs, Store) {
    let fake = FakeGcs::start().await;
    let store = Gcs::at(fake.address(), FakeGcs::BUCKET, fake.account());
    (fake, Store::Gcs(store))
}

#[tokio::test]
async fn google_keeps_the_contract() {
    let (fake, store) = start().await;
    keeps_the_contract(&store).await;
    keeps_addresses(&store).await;
    assert!(store.supports_signed_urls());
    assert_eq!(fake.sessions(), 1, "of the source that failed late");
}

#[tokio::test]
async fn google_keeps_the_contract_where_every_third_request_goes_wrong() {
    let (fake, store) = start().await;
    fake.fail_every(3);
    keeps_the_contract(&store).await;
    // What is read goes on where it broke off.
    for _ in 0..3 {
        let large = read(&store, "b/large", None).await.unwrap();
        assert_eq!(large.len(), 120 * 100_003);
        assert!(large.iter().all(|byte| *byte == 7));
    }
}

#[tokio::test]
async fn a_list_of_many_pages_skips_nothing() {
    let (fake, store) = start().await;
    fake.page(3);
    let mut all: Vec<String> = (0..8).map(|n| format!("e/{n}")).collect();
    all.extend(["e/1-320".to_owned(), "e/1/a".to_owned()]);
    all.sort();
    for name in &all {
        store
            .put(&key(name), &mut BytesSource::new("x"))
            .await
            .unwrap();
    }
    let mut listed: Vec<String> = Vec::new();
    loop {
        let after = listed.last().cloned().unwrap_or_default();
        let page = names(&store, "e/", Some(&after)).await;
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        listed.extend(page);
    }
    assert_eq!(listed, all);
}

#[tokio::test]
async fn who_is_away_is_given_up_before_long() {
    let (fake, store) = start().await;
    let file = key("f/file");
    store
        .put(&file, &mut BytesSource::new("hello"))
        .await
        .unwrap();
    fake.set_unavailable(true);
    let failures = [
        store.put(&file, &mut BytesSource::new("other")).await.err(),
        store.put(&file, &mut Stream::of(100, 100_000)).await.err(),
        store.get(&file, None).await.err(),
        store.size(&file).await.err(),
        store.delete(&file).await.err(),
        store.list("", None).await.err(),
    ];
    for failure in failures {
        assert!(
            matches!(failure, Some(StoreError::Refused(_))),
            "{failure:?}"
        );
    }
    fake.set_unavailable(false);
    assert_eq!(read(&store, "f/file", None).await.unwrap(), b"hello");
}

#[tokio::test]
async fn a_strangers_key_opens_nothing() {
    let (fake, store) = start().await;
    let stranger = FakeGcs::start().await.account();
    let theirs = Store::Gcs(Gcs::at(fake.address(), FakeGcs::BUCKET, stranger));
    let file = key("g/file");
    store
        .put(&file, &mut BytesSource::new("hello"))
        .await
        .unwrap();
    assert!(theirs.get(&file, None).await.is_err());
    assert!(theirs.size(&file).await.is_err());
    assert!(
        theirs
            .put(&file, &mut BytesSource::new("other"))
            .await
            .is_err()
    );
    let address = theirs.sign_get(&file, &SHOWN, MINUTE).await;
    let got = reqwest::get(address.unwrap().unwrap()).await.unwrap();
    assert_eq!(got.status(), 403);
    let nowhere = Gcs::at(fake.address(), "another", fake.account());
    assert_eq!(Store::Gcs(nowhere).size(&file).await.unwrap(), None);
}

#[tokio::test]
async fn an_address_reads_one_object_for_a_while_and_does_nothing_else() {
    let (fake, store) = start().await;
    for name in ["h/file", "h/other"] {
        store
            .put(&key(name), &mut BytesSource::new("hello"))
            .await
            .unwrap();
    }
    let address = store.sign_get(&key("h/file"), &SHOWN, MINUTE).await;
    let address = address.unwrap().unwrap();
    let http = reqwest::Client::new();
    let status = async |address: &str| http.get(address).send().await.unwrap().status();
    assert_eq!(status(&address).await, 200);
    let part = http.get(&address).header("range", "bytes=1-2");
    assert_eq!(part.send().await.unwrap().bytes().await.unwrap(), "el");
    for (from, to) in [
        ("h/file", "h/other"),
        ("application%2Fpdf", "text%2Fhtml"),
        ("=attachment", "=inline"),
        ("Expires=60", "Expires=600"),
        ("/files/", "/another/"),
    ] {
        let changed = address.replace(from, to);
        assert_ne!(changed, address);
        assert_eq!(status(&changed).await, 403, "{to}");
    }
    let bare = address.split('?').next().unwrap();
    assert_eq!(status(bare).await, 403);
    for request in [
        http.put(&address).body("other"),
        http.delete(&address),
        http.head(&address),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    assert_eq!(read(&store, "h/file", None).await.unwrap(), b"hello");
    fake.wait(TimeDelta::seconds(61));
    assert_eq!(status(&address).await, 400);
}

#[tokio::test]
async fn an_address_is_put_together_as_googles_own_client_does() {
    // No request is made: signing is done here. Google's client signs a host without its port.
    let endpoint = "http://storage.example.com";
    let account = FakeGcs::start().await.account();
    let store = Store::Gcs(Gcs::at(endpoint, FakeGcs::BUCKET, account.clone()));
    // Without an asterisk, which Google's client leaves as it is.
    let shown = ResponseHeaders {
        disposition: "attachment; filename=\"a +&='%~ä.pdf\"",
        ..SHOWN
    };
    let signer = Account::new(account).build_signer().unwrap();
    // Of the same second, soon.
    for _ in 0..5 {
        let ours = store.sign_get(&key("h/file-1"), &shown, MINUTE).await;
        let theirs = SignedUrlBuilder::for_object("projects/_/buckets/files", "h/file-1")
            .with_endpoint(endpoint)
            .with_expiration(MINUTE)
            .with_query_param("response-content-disposition", shown.disposition)
            .with_query_param("response-content-type", shown.content_type);
        let theirs = Box::pin(theirs.sign_with(&signer)).await.unwrap();
        if ours.unwrap().unwrap() == theirs {
            return;
        }
    }
    panic!("no address is as Google's client makes it");
}

#[tokio::test]
async fn an_address_takes_exactly_as_many_bytes_as_were_said() {
    let (fake, store) = start().await;
    let file = key("i/file");
    let address = store.sign_put(&file, 5, MINUTE).await.unwrap().unwrap();
    for wrong in ["", "1234", "123456"] {
        assert_eq!(send(&address, wrong).await, 400, "{wrong:?}");
    }
    let SignedPut { url, headers } = &address;
    let [(name, value)] = headers.as_slice() else {
        panic!("one header: {headers:?}")
    };
    assert_eq!(
        (*name, value.as_str()),
        ("x-goog-content-length-range", "5,5")
    );
    for headers in [vec![], vec![(*name, "0,999".to_owned())]] {
        let url = url.clone();
        assert_eq!(send(&SignedPut { url, headers }, "123456").await, 403);
    }
    // Nothing that Google would obey is slipped in, unsigned.
    let mut slipped = address.clone();
    slipped
        .headers
        .push(("x-goog-acl", "public-read".to_owned()));
    assert_eq!(send(&slipped, "12345").await, 403);
    let got = reqwest::get(url).await.unwrap();
    assert_eq!(got.status(), 403);
    assert_eq!(store.size(&file).await.unwrap(), None);
    assert_eq!(send(&address, "12345").await, 200);
    assert_eq!(store.size(&file).await.unwrap(), Some(5));
    fake.wait(TimeDelta::seconds(61));
    assert_eq!(send(&address, "54321").await, 400);
}

#[tokio::test]
async fn whoever_stops_listening_leaves_nothing() {
    let (_fake, store) = start().await;
    let mut endless = Stream::of(100, 100_000);
    {
        let file = key("j/file");
        let putting = store.put(&file, &mut endless);
        let cut = tokio::time::timeout(Duration::from_millis(1), putting).await;
        assert!(cut.is_err());
    }
    assert!(endless.next().await.is_ok());
    assert_eq!(names(&store, "j/", None).await, [""; 0]);
}
