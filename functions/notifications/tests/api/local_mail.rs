//! The pages for local emails.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{Request, Response};
use notifications::{Folder, dev_mail};
use tower::ServiceExt;

use crate::{Harness, with_edge};

struct MailReader {
    harness: Harness,
    folder: Folder,
    path: std::path::PathBuf,
}

impl MailReader {
    async fn new() -> Self {
        let harness = Harness::new().await;
        let path = std::env::temp_dir().join(format!("revalenz-mail-{}", harness.demo.id));
        Self {
            folder: Folder::new(&path),
            harness,
            path,
        }
    }

    async fn get(&self, path: &str) -> Response<Body> {
        let router = dev_mail::router(self.folder.clone(), "https://api.revalenz.example");
        let request = Request::get(path).body(Body::empty()).unwrap();
        with_edge(&self.harness.app, router)
            .oneshot(request)
            .await
            .unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        let body = to_bytes(response.into_body(), 1_000_000).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

impl Drop for MailReader {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

#[tokio::test]
async fn mails_can_be_read_without_a_frontend() {
    let reader = MailReader::new().await;
    assert!(reader.page("/dev/mail").await.contains("No emails yet"));
    let harness = &reader.harness;
    harness
        .execute("update access.people set locale = 'de'")
        .await;
    harness.deliver(&harness.ticket_created()).await;
    harness.app.clock.advance(std::time::Duration::from_secs(1));
    let user = harness.demo.customer.id;
    harness
        .deliver(&harness.link_requested(
            "identity.user.registered",
            "verify_email",
            user,
            "AZ-tok_en",
        ))
        .await;
    harness
        .sender(Arc::new(reader.folder.clone()))
        .run_once()
        .await
        .unwrap();

    let list = reader.page("/dev/mail").await;
    let at = |text: &str| {
        list.find(text)
            .unwrap_or_else(|| panic!("{text} is not in {list}"))
    };
    assert!(
        at("Bitte bestätigen Sie Ihre E-Mail-Adresse")
            < at("[T-1001] Wir haben Ihre Anfrage erhalten"),
        "newest first"
    );
    at("customer &lt;customer@demo.example&gt;");

    let newest = reader.folder.list().unwrap()[0];
    let mail = reader.page(&format!("/dev/mail/{newest}")).await;
    assert!(mail.contains("verify-email#token=AZ-tok_en\">"), "{mail}");
    assert!(mail.contains("curl -sS"), "{mail}");
    let html = reader.get(&format!("/dev/mail/{newest}/html")).await;
    let policy = html.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("sandbox") && policy.contains("default-src 'none'"),
        "{policy}"
    );
    assert!(
        reader
            .page(&format!("/dev/mail/{newest}/html"))
            .await
            .contains("<base target=\"_blank\">")
    );
    assert!(
        reader
            .page(&format!("/dev/mail/{newest}/source"))
            .await
            .contains("Message-ID: ")
    );
    assert!(reader.page("/tickets/1").await.contains("/dev/mail"));
}

#[tokio::test]
async fn unknown_mails_and_paths_outside_the_folder_are_not_found() {
    let reader = MailReader::new().await;
    let unknown = reader.harness.demo.id;
    for path in [
        format!("/dev/mail/{unknown}"),
        format!("/dev/mail/{unknown}/html"),
        format!("/dev/mail/{unknown}/source"),
        "/dev/mail/..%2f..%2fmaster.key".to_owned(),
        "/dev/mail/%00/source".to_owned(),
        "/dev/mail/x".to_owned(),
    ] {
        assert_eq!(reader.get(&path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn only_the_owner_can_read_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let reader = MailReader::new().await;
    let harness = &reader.harness;
    harness.deliver(&harness.ticket_created()).await;
    harness
        .sender(Arc::new(reader.folder.clone()))
        .run_once()
        .await
        .unwrap();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&reader.path), 0o700);
    let id = reader.folder.list().unwrap()[0];
    assert_eq!(mode(&reader.path.join(format!("{id}.eml"))), 0o600);
}
