//! Small files, in one request.

use http::Method;

use crate::{Place, form, noise, sha256, upload};

#[tokio::test]
async fn a_file_comes_back_as_it_went_in() {
    let place = Place::new().await;
    let content = noise(300_000);
    let answer = upload(&place.customer(), "Rechnung März.bin", &content).await;
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
    assert_eq!(place.room().await, (300_000, 0));

    let content_path = format!("/api/v1/files/{}/content", answer.id());
    let got = place.customer().get(&content_path).await.expect(200);
    assert_eq!(got.body, content);
    assert_eq!(got.header("content-length"), "300000");
    assert_eq!(got.header("etag"), format!("\"{}\"", sha256(&content)));
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert!(got.header("content-security-policy").contains("sandbox"));
    assert_eq!(
        got.header("content-disposition"),
        "attachment; filename=\"Rechnung M_rz.bin\"; filename*=UTF-8''Rechnung%20M%C3%A4rz.bin"
    );
    // Of the upload nothing is left but the file's own object, whose key no client chose.
    let objects = place.objects().await;
    assert_eq!(objects.len(), 1);
    assert_eq!(
        objects[0],
        format!("tenant/{}/2026/11/{}", place.demo.id, answer.id())
    );
    assert_eq!(
        place.announced().await,
        ["file.scanned.v1", "file.uploaded.v1"]
    );
}

#[tokio::test]
async fn names_in_any_script_come_back_and_a_path_in_a_name_goes_nowhere() {
    let place = Place::new().await;
    for (sent, kept) in [
        ("报告.docx", "报告.docx"),
        ("تقرير.pdf", "تقرير.pdf"),
        ("📎 a;b.txt", "📎 a;b.txt"),
        ("../../../etc/passwd", "passwd"),
        ("C:\\Temp\\a.txt", "a.txt"),
        ("/etc/shadow", "shadow"),
    ] {
        let answer = upload(&place.customer(), sent, b"x").await;
        assert_eq!(answer.json()["name"], kept, "{sent}");
    }
    // The same name twice is two files.
    let (one, two) = (
        upload(&place.customer(), "a.txt", b"1").await.id(),
        upload(&place.customer(), "a.txt", b"2").await.id(),
    );
    assert_ne!(one, two);
    for object in place.objects().await {
        assert!(
            object.starts_with(&format!("tenant/{}/2026/11/", place.demo.id)),
            "{object}"
        );
    }
    for name in ["..", "%00", "a%0Ab", "%E2%80%AEfdp.exe"] {
        let refused = form(&place.customer(), &format!("?name={name}"), "x", b"x")
            .send()
            .await;
        refused.expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn what_a_browser_might_run_is_saved_and_never_shown() {
    let place = Place::new().await;
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
        let file = upload(&place.customer(), name, content).await;
        assert_eq!(file.json()["mime_type"], mime_type);
        let got = place
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
    let pdf = upload(&place.customer(), "a.html", b"%PDF-1.7\n1 0 obj").await;
    let got = place
        .customer()
        .get(&format!("/api/v1/files/{}/content", pdf.id()))
        .await
        .expect(200);
    assert_eq!(got.header("content-type"), "application/pdf");
    assert!(got.header("content-disposition").starts_with("inline; "));
}

#[tokio::test]
async fn a_type_that_the_category_does_not_take_is_refused_and_takes_no_room() {
    let place = Place::new().await;
    let html = b"<html><body>";
    for category in ["document", "image", "avatar"] {
        let refused = form(
            &place.customer(),
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
        &place.customer(),
        "",
        "a.pdf",
        b"MZ\x90\x00\x03\x00\x00\x00",
    )
    .send()
    .await;
    program.expect_problem(415, "type_not_allowed");
    assert_eq!(place.room().await, (0, 0));
    assert_eq!(place.objects().await, [""; 0]);
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_and_leaves_nothing() {
    let place = Place::new().await;
    let post = || place.customer().call(Method::POST, "/api/v1/files");
    post()
        .json(&serde_json::json!({}))
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
    let large = form(&place.customer(), "", "large", &noise(31 << 20))
        .send()
        .await;
    large.expect_problem(413, "too_large");
    // Without a length it shows only on the way.
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
    assert_eq!(place.room().await, (0, 0));
    assert_eq!(place.objects().await, [""; 0]);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let place = Place::new().await;
    let file = upload(&place.customer(), "nothing.txt", b"").await;
    assert_eq!(file.json()["status"], "clean");
    assert_eq!(file.json()["size"], 0);
    let got = place
        .customer()
        .get(&format!("/api/v1/files/{}/content", file.id()))
        .await
        .expect(200);
    assert!(got.body.is_empty());
    let path = format!("/api/v1/files/{}", file.id());
    place.customer().delete(&path).await.expect(204);
    place
        .customer()
        .get(&path)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_form_with_two_files_is_refused_and_leaves_nothing() {
    let place = Place::new().await;
    let part = |content| {
        format!(
            "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{content}\r\n"
        )
    };
    let body = format!("{}{}--limit--\r\n", part("one"), part("two"));
    let sent = place
        .customer()
        .call(Method::POST, "/api/v1/files")
        .header("content-type", "multipart/form-data; boundary=limit")
        .bytes(body);
    sent.send().await.expect_problem(422, "file_missing");
    assert_eq!(place.room().await, (0, 0));
    assert_eq!(place.objects().await, [""; 0]);
}
