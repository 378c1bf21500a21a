//! Previews and avatars.

use http::Method;

use crate::{Fixture, form, upload};

/// A black PNG image.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(width, height)
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

fn width(preview: &[u8]) -> u32 {
    let format = image::guess_format(preview).unwrap();
    assert_eq!(format, image::ImageFormat::WebP);
    image::load_from_memory(preview).unwrap().width()
}

#[tokio::test]
async fn images_have_previews_and_other_files_have_none() {
    let fixture = Fixture::new().await;
    let file = upload(&fixture.customer(), "a.png", &png(800, 400)).await;
    assert_eq!(file.json()["preview_widths"], serde_json::json!([96, 320]));
    let path = format!("/api/v1/files/{}/thumbnail", file.id());
    for (query, expected) in [
        ("", 320),
        ("?w=1", 96),
        ("?w=96", 96),
        ("?w=97", 320),
        ("?w=4000", 320),
    ] {
        let got = fixture
            .customer()
            .get(&format!("{path}{query}"))
            .await
            .expect(200);
        assert_eq!(got.header("content-type"), "image/webp");
        assert_eq!(width(&got.body), expected, "{query}");
    }
    fixture
        .customer()
        .get(&format!("{path}?w=x"))
        .await
        .expect_problem(422, "validation_failed");
    fixture
        .customer()
        .get(&format!("{path}?h=5"))
        .await
        .expect_problem(422, "validation_failed");
    let text = upload(&fixture.customer(), "a.txt", b"text").await.id();
    fixture
        .customer()
        .get(&format!("/api/v1/files/{text}/thumbnail"))
        .await
        .expect_problem(404, "not_found");
    // A truncated image has no previews.
    let truncated = upload(&fixture.customer(), "truncated.png", &png(800, 400)[..200]).await;
    assert_eq!(truncated.json()["preview_widths"], serde_json::json!([]));

    fixture
        .customer()
        .delete(&format!("/api/v1/files/{}", file.id()))
        .await
        .expect(204);
    fixture
        .app
        .clock
        .advance(std::time::Duration::from_hours(31 * 24));
    fixture.run_job("tend-files").await;
    let left = fixture.objects().await;
    assert!(left.iter().all(|key| !key.contains(&file.id())), "{left:?}");
}

#[tokio::test]
async fn everyone_in_the_organisation_sees_a_persons_newest_avatar() {
    let fixture = Fixture::new().await;
    let path = format!("/api/v1/avatars/{}", fixture.demo.customer.id);
    fixture
        .admin()
        .get(&path)
        .await
        .expect_problem(404, "not_found");
    let set = async |pixels| {
        let answer = form(
            &fixture.customer(),
            "?category=avatar",
            "me.png",
            &png(pixels, pixels),
        )
        .send()
        .await;
        answer.expect(201).json()
    };
    let first = set(50).await;
    assert_eq!(
        first["resource"],
        format!("user:{}", fixture.demo.customer.id)
    );
    fixture.app.clock.advance(std::time::Duration::from_secs(1));
    set(70).await;
    for person in [
        &fixture.demo.customer2,
        &fixture.demo.expert,
        &fixture.demo.customer,
    ] {
        let got = fixture.app.as_user(person).get(&path).await.expect(200);
        assert_eq!(width(&got.body), 70);
    }
    let old = format!("/api/v1/files/{}", first["id"].as_str().unwrap());
    fixture
        .customer()
        .get(&old)
        .await
        .expect_problem(404, "not_found");
    let other = fixture.app.tenant("other").await;
    fixture
        .app
        .as_user(&other.admin)
        .get(&path)
        .await
        .expect_problem(404, "not_found");
    // Avatars of other people cannot be set.
    let other = format!("?category=avatar&resource=user:{}", fixture.demo.expert.id);
    form(&fixture.customer(), &other, "me.png", &png(9, 9))
        .send()
        .await
        .expect_problem(403, "file_grant_invalid");
    let huge = form(
        &fixture.customer(),
        "?category=avatar",
        "me.png",
        &crate::noise(6 << 20),
    )
    .send()
    .await;
    huge.expect_problem(413, "too_large");
    let key = fixture
        .app
        .key(fixture.demo.id, &["files.file.create"])
        .await;
    form(&key, "?category=avatar", "me.png", &png(9, 9))
        .send()
        .await
        .expect_problem(422, "validation_failed");
    fixture
        .app
        .anonymous()
        .call(Method::GET, &path)
        .send()
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_avatar_can_have_the_maximum_size_and_be_sent_without_a_length() {
    let fixture = Fixture::new().await;
    let mut picture = png(50, 50);
    picture.resize(5 << 20, 0);
    form(&fixture.customer(), "?category=avatar", "me.png", &picture)
        .send()
        .await
        .expect(201);
    let mut body =
        b"--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
            .to_vec();
    body.extend_from_slice(&png(50, 50));
    body.extend_from_slice(b"\r\n--limit--\r\n");
    let sent = fixture
        .customer()
        .call(Method::POST, "/api/v1/files?category=avatar")
        .header("content-type", "multipart/form-data; boundary=limit")
        .bytes(body);
    sent.send().await.expect(201);
}
