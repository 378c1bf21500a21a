//! The mails of a laptop, as its owner reads them.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{Request, Response};
use notifications::{Folder, dev_mail};
use tower::ServiceExt;

use crate::{Scene, wrapped};

struct Reader {
    scene: Scene,
    folder: Folder,
    path: std::path::PathBuf,
}

impl Reader {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let path = std::env::temp_dir().join(format!("revalenz-mail-{}", scene.demo.id));
        Self {
            folder: Folder::new(&path),
            scene,
            path,
        }
    }

    async fn get(&self, path: &str) -> Response<Body> {
        let router = dev_mail::router(self.folder.clone(), "https://api.revalenz.example");
        let request = Request::get(path).body(Body::empty()).unwrap();
        wrapped(&self.scene.stage, router)
            .oneshot(request)
            .await
            .unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        let body = to_bytes(answer.into_body(), 1_000_000).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

#[tokio::test]
async fn mails_can_be_read_and_followed_without_a_frontend() {
    let reader = Reader::new().await;
    assert!(reader.page("/dev/mail").await.contains("No mail yet"));
    let scene = &reader.scene;
    scene
        .arrange("update access.people set locale = 'de'")
        .await;
    scene.tell(&scene.opened()).await;
    scene.stage.clock.advance(std::time::Duration::from_secs(1));
    let user = scene.demo.customer.id;
    scene
        .tell(&scene.linked(
            "identity.user.registered",
            "verify_email",
            user,
            "AZ-tok_en",
        ))
        .await;
    scene
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
        at("Bitte bestätigen Sie Ihre Adresse") < at("[T-1001] Ihre Anfrage ist angekommen"),
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
async fn what_is_not_there_is_not_found_and_nobody_leaves_the_folder() {
    let reader = Reader::new().await;
    let unknown = reader.scene.demo.id;
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
async fn only_the_owner_of_the_machine_reads_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let reader = Reader::new().await;
    let scene = &reader.scene;
    scene.tell(&scene.opened()).await;
    scene
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
