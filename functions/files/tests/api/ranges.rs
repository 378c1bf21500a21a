//! Range requests.

use http::Method;

use crate::{Fixture, noise, upload};

#[tokio::test]
async fn an_interrupted_download_can_be_resumed() {
    let fixture = Fixture::new().await;
    let content = noise(100_000);
    let file = upload(&fixture.customer(), "film", &content).await.id();
    let path = format!("/api/v1/files/{file}/content");
    let ask = |range: &str| {
        fixture
            .customer()
            .call(Method::GET, &path)
            .header("range", range)
    };
    for (range, expected, content_range) in [
        ("bytes=0-9", 0..10, "bytes 0-9/100000"),
        ("bytes=99990-", 99_990..100_000, "bytes 99990-99999/100000"),
        ("bytes=-5", 99_995..100_000, "bytes 99995-99999/100000"),
        (
            "bytes=50000-200000",
            50_000..100_000,
            "bytes 50000-99999/100000",
        ),
    ] {
        let part = ask(range)
            .header("accept-encoding", "gzip")
            .send()
            .await
            .expect(206);
        assert_eq!(part.body, content.slice(expected), "{range}");
        assert_eq!(part.header("content-range"), content_range);
        assert_eq!(part.header("content-length"), part.body.len().to_string());
        assert_eq!(part.header("content-encoding"), "");
    }
    let beyond = ask("bytes=100000-").send().await;
    assert_eq!(beyond.header("content-range"), "bytes */100000");
    beyond.expect_problem(416, "range_not_satisfiable");
    for whole in ["bytes=0-1,5-6", "lines=1-2", "bytes=9-1"] {
        assert_eq!(ask(whole).send().await.expect(200).body.len(), 100_000);
    }
    let whole = fixture.customer().get(&path).await.expect(200);
    let tag = whole.header("etag").to_owned();
    let same = ask("bytes=0-9")
        .header("if-range", &tag)
        .send()
        .await
        .expect(206);
    assert_eq!(same.body.len(), 10);
    let other = ask("bytes=0-9")
        .header("if-range", "\"other\"")
        .send()
        .await
        .expect(200);
    assert_eq!(other.body.len(), 100_000);
    let known = fixture
        .customer()
        .call(Method::GET, &path)
        .header("if-none-match", &tag)
        .send()
        .await;
    assert!(known.expect(304).body.is_empty());
    let head = fixture
        .customer()
        .call(Method::HEAD, &path)
        .send()
        .await
        .expect(200);
    assert_eq!(head.header("content-length"), "100000");
    assert_eq!(head.header("accept-ranges"), "bytes");
}
