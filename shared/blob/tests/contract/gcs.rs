//! Google Cloud Storage with our own emulator.

use std::time::Duration;

use blob::{BytesSource, Gcs, ResponseHeaders, SignedPut, Source, Store, StoreError};
use chrono::TimeDelta;
use google_cloud_auth::credentials::service_account::Builder as Account;
use google_cloud_storage::builder::storage::SignedUrlBuilder;
use testkit::fake_gcs::FakeGcs;

use crate::{RESPONSE_HEADERS, Stream, check_contract, check_signed_urls, key, names, read, send};

const MINUTE: Duration = Duration::from_mins(1);

/// Starts an emulator with a store.
async fn start() -> (FakeGcs, Store) {
    let fake = FakeGcs::start().await;
    let store = Gcs::emulator(fake.address(), FakeGcs::BUCKET, fake.account());
    (fake, Store::Gcs(store))
}

#[tokio::test]
async fn google_keeps_the_contract() {
    let (fake, store) = start().await;
    check_contract(&store).await;
    check_signed_urls(&store).await;
    assert!(store.supports_signed_urls());
    assert_eq!(
        fake.open_sessions(),
        1,
        "the upload whose source failed late"
    );
}

#[tokio::test]
async fn google_keeps_the_contract_when_every_third_request_fails() {
    let (fake, store) = start().await;
    fake.fail_every(3);
    check_contract(&store).await;
    // Reads resume where they were interrupted.
    for _ in 0..3 {
        let large = read(&store, "b/large", None).await.unwrap();
        assert_eq!(large.len(), 120 * 100_003);
        assert!(large.iter().all(|byte| *byte == 7));
    }
}

#[tokio::test]
async fn a_list_of_many_pages_skips_nothing() {
    let (fake, store) = start().await;
    fake.set_page_size(3);
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
    let other_account = FakeGcs::start().await.account();
    let theirs = Store::Gcs(Gcs::emulator(
        fake.address(),
        FakeGcs::BUCKET,
        other_account,
    ));
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
    let address = theirs.sign_get(&file, &RESPONSE_HEADERS, MINUTE).await;
    let got = reqwest::get(address.unwrap().unwrap()).await.unwrap();
    assert_eq!(got.status(), 403);
    let nowhere = Gcs::emulator(fake.address(), "another", fake.account());
    assert_eq!(Store::Gcs(nowhere).size(&file).await.unwrap(), None);
}

#[tokio::test]
async fn a_signed_download_is_limited_to_one_object_method_and_lifetime() {
    let (fake, store) = start().await;
    for name in ["h/file", "h/other"] {
        store
            .put(&key(name), &mut BytesSource::new("hello"))
            .await
            .unwrap();
    }
    let address = store
        .sign_get(&key("h/file"), &RESPONSE_HEADERS, MINUTE)
        .await;
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
    fake.advance_clock(TimeDelta::seconds(61));
    assert_eq!(status(&address).await, 400);
}

#[tokio::test]
async fn signed_urls_equal_those_of_googles_client() {
    // Signing needs no request. Google's client signs the host without its port.
    let endpoint = "http://storage.example.com";
    let account = FakeGcs::start().await.account();
    let store = Store::Gcs(Gcs::emulator(endpoint, FakeGcs::BUCKET, account.clone()));
    // Without an asterisk, which Google's client does not encode.
    let shown = ResponseHeaders {
        disposition: "attachment; filename=\"a +&='%~ä.pdf\"",
        ..RESPONSE_HEADERS
    };
    let signer = Account::new(account).build_signer().unwrap();
    // Retried until both are signed within the same second.
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
    panic!("no URL equals that of Google's client");
}

#[tokio::test]
async fn a_signed_upload_accepts_exactly_the_signed_length() {
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
    // Unsigned x-goog headers are refused.
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
    fake.advance_clock(TimeDelta::seconds(61));
    assert_eq!(send(&address, "54321").await, 400);
}

#[tokio::test]
async fn a_cancelled_upload_leaves_nothing() {
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
