//! Uploads as a form.

use http::Method;
use serde_json::json;

use crate::{Fixture, form, noise, sha256, upload};

#[tokio::test]
async fn an_uploaded_file_is_downloaded_unchanged() {
    let fixture = Fixture::new().await;
    let content = noise(300_000);
    let answer = upload(&fixture.customer(), "Rechnung März.bin", &content).await;
    let file = answer.json();
    assert_eq!(
        answer.header("location"),
        format!("/api/v1/files/{}", answer.id())
    );
    assert_eq!(file["status"], "clean");
    assert_eq!(file["name"], "Rechnung März.bin");
    assert_eq!(file["size"], 300_000);
    assert_eq!(file["sha256"], sha256(&content).as_str());
    assert_eq!(file["mime_type"], "application/octet-stream");
    assert_eq!(fixture.storage_usage().await, (300_000, 0));

    let content_path = format!("/api/v1/files/{}/content", answer.id());
    let got = fixture.customer().get(&content_path).await.expect(200);
    assert_eq!(got.body, content);
    assert_eq!(got.header("content-length"), "300000");
    assert_eq!(got.header("etag"), format!("\"{}\"", sha256(&content)));
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert!(got.header("content-security-policy").contains("sandbox"));
    assert_eq!(
        got.header("content-disposition"),
        "attachment; filename=\"Rechnung M_rz.bin\"; filename*=UTF-8''Rechnung%20M%C3%A4rz.bin"
    );
    // Only the final object remains, and its key is not chosen by the client.
    let objects = fixture.objects().await;
    assert_eq!(objects.len(), 1);
    assert_eq!(
        objects[0],
        format!("tenant/{}/2026/11/{}", fixture.demo.id, answer.id())
    );
    assert_eq!(
        fixture.event_types().await,
        ["file.scanned.v1", "file.uploaded.v1"]
    );
}

#[tokio::test]
async fn names_in_any_script_are_kept_and_paths_are_removed() {
    let fixture = Fixture::new().await;
    for (sent, kept) in [
        ("报告.docx", "报告.docx"),
        ("تقرير.pdf", "تقرير.pdf"),
        ("📎 a;b.txt", "📎 a;b.txt"),
        ("../../../etc/passwd", "passwd"),
        ("C:\\Temp\\a.txt", "a.txt"),
        ("/etc/shadow", "shadow"),
    ] {
        let answer = upload(&fixture.customer(), sent, b"x").await;
        assert_eq!(answer.json()["name"], kept, "{sent}");
    }
    // Two uploads with the same name are two files.
    let (one, two) = (
        upload(&fixture.customer(), "a.txt", b"1").await.id(),
        upload(&fixture.customer(), "a.txt", b"2").await.id(),
    );
    assert_ne!(one, two);
    for object in fixture.objects().await {
        assert!(
            object.starts_with(&format!("tenant/{}/2026/11/", fixture.demo.id)),
            "{object}"
        );
    }
    for name in ["..", "%00", "a%0Ab"] {
        let refused = form(&fixture.customer(), &format!("?name={name}"), "x", b"x")
            .send()
            .await;
        refused.expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn active_content_is_served_as_an_attachment() {
    let fixture = Fixture::new().await;
    for (name, content, mime_type) in [
        (
            "page.png",
            &b"<!DOCTYPE html><script>alert(1)</script>"[..],
            "text/html",
        ),
        (
            "picture.svg",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
            "image/svg+xml",
        ),
    ] {
        let file = upload(&fixture.customer(), name, content).await;
        assert_eq!(file.json()["mime_type"], mime_type);
        let got = fixture
            .customer()
            .get(&format!("/api/v1/files/{}/content", file.id()))
            .await
            .expect(200);
        assert_eq!(got.header("content-type"), "application/octet-stream");
        assert!(
            got.header("content-disposition")
                .starts_with("attachment; "),
            "{name}"
        );
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert!(got.header("content-security-policy").contains("sandbox"));
    }
    let pdf = upload(&fixture.customer(), "a.html", b"%PDF-1.7\n1 0 obj").await;
    let got = fixture
        .customer()
        .get(&format!("/api/v1/files/{}/content", pdf.id()))
        .await
        .expect(200);
    assert_eq!(got.header("content-type"), "application/pdf");
    assert!(got.header("content-disposition").starts_with("inline; "));
}

#[tokio::test]
async fn types_not_allowed_by_the_category_are_refused_and_use_no_storage() {
    let fixture = Fixture::new().await;
    let html = b"<html><body>";
    for category in ["document", "image", "avatar"] {
        let refused = form(
            &fixture.customer(),
            &format!("?category={category}"),
            "a.png",
            html,
        )
        .send()
        .await;
        let document = refused.expect_problem(415, "type_not_allowed");
        assert!(document["detail"].as_str().unwrap().contains("text/html"));
    }
    let program = form(
        &fixture.customer(),
        "",
        "a.pdf",
        b"MZ\x90\x00\x03\x00\x00\x00",
    )
    .send()
    .await;
    program.expect_problem(415, "type_not_allowed");
    assert_eq!(fixture.storage_usage().await, (0, 0));
    assert_eq!(fixture.objects().await, [""; 0]);
}

#[tokio::test]
async fn invalid_forms_are_refused_and_leave_no_data() {
    let fixture = Fixture::new().await;
    let post = || fixture.customer().call(Method::POST, "/api/v1/files");
    post()
        .json(&json!({}))
        .send()
        .await
        .expect_problem(415, "unsupported_media_type");
    let multipart = "multipart/form-data; boundary=limit";
    let empty = post()
        .header("content-type", multipart)
        .bytes("--limit--\r\n")
        .send()
        .await;
    empty.expect_problem(422, "file_missing");
    let other =
        "--limit\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--limit--\r\n";
    let other = post()
        .header("content-type", multipart)
        .bytes(other)
        .send()
        .await;
    other.expect_problem(422, "file_missing");
    let cut =
        "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf";
    let cut = post()
        .header("content-type", multipart)
        .bytes(cut)
        .send()
        .await;
    cut.expect_problem(400, "bad_request");
    let large = form(&fixture.customer(), "", "large", &noise(31 << 20))
        .send()
        .await;
    large.expect_problem(413, "too_large");
    // Without Content-Length, the limit is enforced while streaming.
    let mut body =
        b"--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
            .to_vec();
    body.extend_from_slice(&noise(31 << 20));
    let large = post()
        .header("content-type", multipart)
        .bytes(body)
        .send()
        .await;
    large.expect_problem(413, "too_large");
    assert_eq!(fixture.storage_usage().await, (0, 0));
    assert_eq!(fixture.objects().await, [""; 0]);
}

#[tokio::test]
async fn an_empty_file_can_be_uploaded() {
    let fixture = Fixture::new().await;
    let file = upload(&fixture.customer(), "nothing.txt", b"").await;
    assert_eq!(file.json()["status"], "clean");
    assert_eq!(file.json()["size"], 0);
    let got = fixture
        .customer()
        .get(&format!("/api/v1/files/{}/content", file.id()))
        .await
        .expect(200);
    assert!(got.body.is_empty());
    let path = format!("/api/v1/files/{}", file.id());
    fixture.customer().delete(&path).await.expect(204);
    fixture
        .customer()
        .get(&path)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_form_with_two_files_is_refused_and_leaves_no_data() {
    let fixture = Fixture::new().await;
    let part = |content| {
        format!(
            "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{content}\r\n"
        )
    };
    let body = format!("{}{}--limit--\r\n", part("one"), part("two"));
    let sent = fixture
        .customer()
        .call(Method::POST, "/api/v1/files")
        .header("content-type", "multipart/form-data; boundary=limit")
        .bytes(body);
    sent.send().await.expect_problem(422, "file_missing");
    assert_eq!(fixture.storage_usage().await, (0, 0));
    assert_eq!(fixture.objects().await, [""; 0]);
}

#[tokio::test]
async fn a_database_error_is_not_reported_as_an_expired_upload() {
    let fixture = Fixture::new().await;
    let customer = fixture.customer();
    let id = upload(&customer, "a.txt", b"x").await.id();
    let complete = format!("/api/v1/uploads/{id}/complete");
    customer.post(&complete, json!({})).await.expect(200);
    // A row of this file that cannot be read.
    sqlx::query("update files.files set preview_widths = '{null}' where tenant_id = $1")
        .bind(fixture.demo.id)
        .execute(&mut fixture.app.admin().await)
        .await
        .unwrap();
    customer
        .post(&complete, json!({}))
        .await
        .expect_problem(500, "internal_error");
}
