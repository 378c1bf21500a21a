//! Resumable uploads with tus 1.0.0.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use testkit::{Client, TestResponse};
use tokio::{io::AsyncWriteExt, net::TcpListener, net::TcpStream};

use crate::{Fixture, noise, sha256};

const UPLOADS: &str = "/api/v1/files/uploads";

async fn create(client: &Client, headers: &[(&str, &str)]) -> TestResponse {
    loop {
        let mut call = client
            .call(Method::POST, UPLOADS)
            .header("tus-resumable", "1.0.0");
        for (name, value) in headers {
            call = call.header(name, value);
        }
        // Retry when the server is overloaded.
        let answer = call.send().await;
        if answer.status != 503 {
            return answer;
        }
    }
}

async fn created(client: &Client, length: usize) -> String {
    let metadata = format!("filename {}", STANDARD.encode("Film.bin"));
    let headers = [
        ("upload-length", &*length.to_string()),
        ("upload-metadata", &metadata),
    ];
    create(client, &headers)
        .await
        .expect(201)
        .header("location")
        .to_owned()
}

async fn append(client: &Client, upload: &str, offset: usize, chunk: Bytes) -> TestResponse {
    client
        .call(Method::PATCH, upload)
        .header("tus-resumable", "1.0.0")
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", &offset.to_string())
        .bytes(chunk)
        .send()
        .await
}

async fn head(client: &Client, upload: &str) -> TestResponse {
    client
        .call(Method::HEAD, upload)
        .header("tus-resumable", "1.0.0")
        .send()
        .await
}

fn id(upload: &str) -> &str {
    upload.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn chunks_are_joined_to_one_file() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let content = noise(250_000);
    let upload = created(&customer, content.len()).await;
    let mut offset = 0;
    for size in [100_000, 1, 0, 149_998] {
        let answer = append(
            &customer,
            &upload,
            offset,
            content.slice(offset..offset + size),
        )
        .await
        .expect(204);
        offset += size;
        assert_eq!(answer.header("upload-offset"), offset.to_string());
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
        assert_eq!(
            answer.header("upload-expires"),
            "Sat, 21 Nov 2026 10:00:00 GMT"
        );
        let progress = head(&customer, &upload).await.expect(200);
        assert_eq!(progress.header("upload-offset"), offset.to_string());
        assert_eq!(progress.header("upload-length"), "250000");
        assert_eq!(progress.header("cache-control"), "no-store");
    }
    let file = format!("/api/v1/files/{}", id(&upload));
    assert_eq!(customer.get(&file).await.json()["status"], "pending");
    customer
        .get(&format!("{file}/content"))
        .await
        .expect_problem(409, "file_not_ready");
    append(&customer, &upload, offset, content.slice(offset..))
        .await
        .expect(204);
    let read = customer.get(&file).await.expect(200).json();
    assert_eq!(read["status"], "clean");
    assert_eq!(read["name"], "Film.bin");
    assert_eq!(read["sha256"], sha256(&content).as_str());
    let got = customer.get(&format!("{file}/content")).await.expect(200);
    assert_eq!(got.body, content);
    assert_eq!(fixture.objects().await.len(), 1, "no part is left");
    assert_eq!(fixture.storage_usage().await, (250_000, 0));
    // A client that did not receive the response can ask for the offset again.
    assert_eq!(
        head(&customer, &upload)
            .await
            .expect(200)
            .header("upload-offset"),
        "250000"
    );
    append(&customer, &upload, 250_000, Bytes::new())
        .await
        .expect(204);
}

#[tokio::test]
async fn invalid_requests_are_refused_without_side_effects() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let options = customer
        .call(Method::OPTIONS, UPLOADS)
        .send()
        .await
        .expect(204);
    assert_eq!(options.header("tus-version"), "1.0.0");
    assert_eq!(options.header("tus-max-size"), (5_i64 << 30).to_string());
    assert_eq!(options.header("tus-checksum-algorithm"), "sha1,sha256");
    for extension in [
        "creation",
        "creation-defer-length",
        "termination",
        "expiration",
        "checksum",
    ] {
        assert!(
            options
                .header("tus-extension")
                .split(',')
                .any(|word| word == extension)
        );
    }
    let old = customer
        .call(Method::POST, UPLOADS)
        .header("tus-resumable", "0.2.2")
        .header("upload-length", "1");
    let old = old.send().await;
    assert_eq!(old.header("tus-version"), "1.0.0");
    assert_eq!(old.header("tus-resumable"), "1.0.0");
    old.expect_problem(412, "tus_version");
    for headers in [
        &[][..],
        &[("upload-length", "-1")],
        &[("upload-length", "x")],
        &[("upload-length", "1"), ("upload-defer-length", "1")],
        &[("upload-defer-length", "2")],
        &[("upload-length", "1"), ("upload-metadata", "filename %%%")],
        &[("upload-length", "1"), ("upload-metadata", "a YQ==,a YQ==")],
    ] {
        create(&customer, headers)
            .await
            .expect_problem(400, "invalid_header");
    }
    for length in [(5_u64 << 30) + 1, u64::MAX] {
        create(&customer, &[("upload-length", &length.to_string())])
            .await
            .expect_problem(413, "too_large");
    }
    let zip = format!("filename {}", STANDARD.encode("../"));
    create(
        &customer,
        &[("upload-length", "1"), ("upload-metadata", &zip)],
    )
    .await
    .expect_problem(422, "validation_failed");
    assert_eq!(fixture.storage_usage().await, (0, 0));

    let upload = created(&customer, 10).await;
    let patch = || {
        customer
            .call(Method::PATCH, &upload)
            .header("tus-resumable", "1.0.0")
    };
    let typed = || patch().header("content-type", "application/offset+octet-stream");
    let octets = patch()
        .header("content-type", "application/octet-stream")
        .header("upload-offset", "0");
    octets
        .send()
        .await
        .expect_problem(415, "unsupported_media_type");
    typed().send().await.expect_problem(400, "invalid_header");
    let ahead = append(&customer, &upload, 5, Bytes::from("x")).await;
    assert_eq!(ahead.header("upload-offset"), "0");
    ahead.expect_problem(409, "upload_offset_conflict");
    append(&customer, &upload, 0, noise(11))
        .await
        .expect_problem(413, "too_large");
    assert_eq!(head(&customer, &upload).await.header("upload-offset"), "0");
    let other = fixture.app.as_user(&fixture.demo.customer2);
    for client in [&other, &fixture.admin()] {
        assert_eq!(head(client, &upload).await.status, 404);
        append(client, &upload, 0, noise(1))
            .await
            .expect_problem(404, "not_found");
    }
    assert_eq!(head(&fixture.app.anonymous(), &upload).await.status, 401);
}

#[tokio::test]
async fn a_chunk_with_a_wrong_checksum_is_discarded() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let upload = created(&customer, 5).await;
    let sum = |checksum: &str| {
        customer
            .call(Method::PATCH, &upload)
            .header("tus-resumable", "1.0.0")
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", "0")
            .header("upload-checksum", checksum)
            .bytes("hello")
    };
    for unknown in ["md5 XUFAKrxLKna5cZ2REBfFkg==", "sha1", "sha1 x"] {
        sum(unknown)
            .send()
            .await
            .expect_problem(400, "invalid_header");
    }
    let wrong = sum(&format!("sha1 {}", STANDARD.encode([0; 20])))
        .send()
        .await;
    wrong.expect_problem(460, "checksum_mismatch");
    assert_eq!(head(&customer, &upload).await.header("upload-offset"), "0");
    assert_eq!(fixture.objects().await, [""; 0]);
    sum("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=")
        .send()
        .await
        .expect(204);
    let second = created(&customer, 5).await;
    let right = format!(
        "sha256 {}",
        STANDARD.encode(access::opaque::sha256(b"hello"))
    );
    let right = customer
        .call(Method::PATCH, &second)
        .header("tus-resumable", "1.0.0")
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", "0")
        .header("upload-checksum", &right)
        .bytes("hello");
    right.send().await.expect(204);
}

#[tokio::test]
async fn the_length_can_be_announced_later() {
    let fixture = Fixture::new().await;
    fixture.set_storage_limit(1_000).await;
    let customer = fixture.customer();
    let answer = create(&customer, &[("upload-defer-length", "1")])
        .await
        .expect(201);
    let upload = answer.header("location").to_owned();
    append(&customer, &upload, 0, noise(400)).await.expect(204);
    assert_eq!(fixture.storage_usage().await, (0, 400));
    let progress = head(&customer, &upload).await.expect(200);
    assert_eq!(progress.header("upload-defer-length"), "1");
    assert_eq!(progress.header("upload-length"), "");
    // 600 bytes are left.
    append(&customer, &upload, 400, noise(601))
        .await
        .expect_problem(413, "storage_full");
    assert_eq!(fixture.storage_usage().await, (0, 400));
    let last = |length: &str| {
        customer
            .call(Method::PATCH, &upload)
            .header("tus-resumable", "1.0.0")
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", "400")
            .header("upload-length", length)
            .bytes(noise(100))
    };
    last("300")
        .send()
        .await
        .expect_problem(400, "invalid_header");
    last("2000")
        .send()
        .await
        .expect_problem(413, "storage_full");
    last("500").send().await.expect(204);
    assert_eq!(fixture.storage_usage().await, (500, 0));
    let nothing = create(&customer, &[("upload-length", "0")])
        .await
        .expect(201);
    let file = format!("/api/v1/files/{}", id(nothing.header("location")));
    assert_eq!(customer.get(&file).await.json()["status"], "clean");
}

#[tokio::test]
async fn cancelled_and_idle_uploads_release_their_storage() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let upload = created(&customer, 1_000).await;
    append(&customer, &upload, 0, noise(10)).await.expect(204);
    let end = || {
        customer
            .call(Method::DELETE, &upload)
            .header("tus-resumable", "1.0.0")
    };
    end().send().await.expect(204);
    end().send().await.expect_problem(410, "upload_gone");
    assert_eq!(head(&customer, &upload).await.status, 410);
    append(&customer, &upload, 10, noise(1))
        .await
        .expect_problem(410, "upload_gone");
    assert_eq!(fixture.storage_usage().await, (0, 0));
    assert_eq!(fixture.objects().await, [""; 0]);

    let upload = created(&customer, 1_000).await;
    append(&customer, &upload, 0, noise(10)).await.expect(204);
    fixture.app.clock.advance(Duration::from_hours(23));
    let customer = fixture.customer();
    append(&customer, &upload, 10, noise(10)).await.expect(204);
    fixture.app.clock.advance(Duration::from_hours(24));
    let customer = fixture.customer();
    assert_eq!(head(&customer, &upload).await.status, 410);
    assert_eq!(fixture.storage_usage().await, (0, 1_000));
    fixture.run_job("tend-files").await;
    assert_eq!(fixture.storage_usage().await, (0, 0));
    assert_eq!(fixture.objects().await, [""; 0]);
    assert_eq!(head(&customer, &upload).await.status, 410);
}

#[tokio::test]
async fn concurrent_chunks_at_one_offset_have_one_winner() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let content = noise(100_000);
    let upload = created(&customer, 2 * content.len()).await;
    for round in 0..2 {
        let offset = round * content.len();
        let tries = (0..4).map(|_| append(&customer, &upload, offset, content.clone()));
        let answers = futures::future::join_all(tries).await;
        let mut statuses: Vec<u16> = answers
            .iter()
            .map(|answer| answer.status.as_u16())
            .collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409, 409, 409]);
    }
    let path = format!("/api/v1/files/{}/content", id(&upload));
    assert_eq!(
        customer.get(&path).await.expect(200).body,
        [&*content, &*content].concat()
    );
    assert_eq!(fixture.objects().await.len(), 1, "late chunks are removed");
}

#[tokio::test]
async fn the_method_can_be_overridden_in_a_post_request() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let upload = created(&customer, 5).await;
    let post = |method: &str| {
        customer
            .call(Method::POST, &upload)
            .header("tus-resumable", "1.0.0")
            .header("x-http-method-override", method)
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", "0")
            .bytes("hel")
    };
    post("PATCH").send().await.expect(204);
    post("PUT")
        .send()
        .await
        .expect_problem(400, "invalid_header");
    post("DELETE").send().await.expect(204);
    assert_eq!(head(&customer, &upload).await.status, 410);
}

#[tokio::test]
async fn data_received_before_an_interruption_is_kept() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let content = noise(200_000);
    let upload = created(&customer, content.len()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(web::server::serve(
        listener,
        fixture.app.router(),
        std::future::pending(),
    ));
    let token = fixture.app.token(&fixture.demo.customer);
    let request = format!(
        "PATCH {upload} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n\
         Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.write_all(&content[..150_000]).await.unwrap();
    connection.shutdown().await.unwrap();
    drop(connection);
    let mut received = 0;
    for _ in 0..400 {
        received = head(&customer, &upload)
            .await
            .header("upload-offset")
            .parse()
            .unwrap();
        if received > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(received, 150_000);
    append(&customer, &upload, received, content.slice(received..))
        .await
        .expect(204);
    let path = format!("/api/v1/files/{}/content", id(&upload));
    assert_eq!(customer.get(&path).await.expect(200).body, content);
}

#[tokio::test]
async fn a_part_is_kept_if_the_result_of_the_commit_is_unknown() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let content = noise(1_000);
    let upload = created(&customer, content.len()).await;
    // The commit fails, so it is unknown whether the part was recorded.
    let trigger = "create function files.lose() returns trigger language plpgsql as $$ begin raise exception 'lost'; end $$;
        create constraint trigger lose after insert on files.parts deferrable initially deferred
        for each row execute function files.lose()";
    let mut admin = fixture.app.admin().await;
    sqlx::raw_sql(trigger).execute(&mut admin).await.unwrap();
    let lost = append(&customer, &upload, 0, content.clone()).await;
    assert_eq!(lost.status, 500);
    assert_eq!(fixture.objects().await.len(), 1);
    sqlx::raw_sql("drop trigger lose on files.parts")
        .execute(&mut admin)
        .await
        .unwrap();
    // Refused chunks do not affect later ones.
    append(&customer, &upload, 5, noise(1))
        .await
        .expect_problem(409, "upload_offset_conflict");
    append(&customer, &upload, 0, content).await.expect(204);
    let file = format!("/api/v1/files/{}", id(&upload));
    assert_eq!(customer.get(&file).await.json()["status"], "clean");
    assert_eq!(
        fixture.objects().await.len(),
        1,
        "the unrecorded part is removed"
    );
}

/// tus 1.0: the offset comes with the metadata as the client gave it, and `X-HTTP-Method-Override` names any method.
#[tokio::test]
async fn the_offset_comes_with_the_metadata() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let metadata = "filename YS50eHQ=,colour";
    let headers = [("upload-length", "5"), ("upload-metadata", metadata)];
    let upload = create(&customer, &headers).await.expect(201);
    let upload = upload.header("location").to_owned();
    assert_eq!(
        head(&customer, &upload).await.header("upload-metadata"),
        metadata
    );
    let overridden = customer
        .call(Method::POST, &upload)
        .header("tus-resumable", "1.0.0")
        .header("x-http-method-override", "HEAD")
        .send()
        .await
        .expect(200);
    assert_eq!(overridden.header("upload-offset"), "0");
    let chunk = customer
        .call(Method::PATCH, &upload)
        .header("tus-resumable", "1.0.0")
        .header("upload-offset", "0")
        .header("content-type", "Application/Offset+Octet-Stream")
        .bytes(b"hello".to_vec())
        .send()
        .await;
    chunk.expect(204);
}
