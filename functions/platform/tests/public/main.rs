//! The platform as the public reaches it: what is for a developer or an operator does not exist there.
#![expect(
    clippy::unwrap_used,
    reason = "test code: a failed unwrap is a failed test"
)]

mod running;

use access::Keyring;
use identity::bootstrap;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use testkit::Database;
use web::{Clock, Email};

use running::{Platform, failed_start};

/// A path of the operators' port, of the developers' pages, or of the functions themselves.
const HIDDEN: [(Method, &str); 9] = [
    (Method::GET, "/metrics"),
    (Method::GET, "/internal/dead-letters"),
    (Method::POST, "/internal/events"),
    (Method::POST, "/internal/jobs/expire-sessions"),
    (Method::GET, "/dev/mail"),
    (Method::GET, "/dev/mail/style.css"),
    (
        Method::GET,
        "/dev/mail/019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f/source",
    ),
    (Method::GET, "/internal"),
    (Method::GET, "/dev"),
];

async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn only_what_is_for_the_public_is_reachable() {
    let database = Database::create().await;
    let platform = Platform::start(&database);
    let client = Client::builder().no_proxy().build().unwrap();

    for (method, path) in HIDDEN {
        let request = client.request(method.clone(), platform.url(path));
        let answer = problem(request.send().await.unwrap()).await;
        assert_eq!(answer, (404, "not_found".to_owned()), "{method} {path}");
    }
    // They exist: the port for operators has them.
    let metrics = client.get(platform.operations_url("/metrics")).send().await;
    let text = metrics.unwrap().text().await.unwrap();
    assert!(text.contains("# TYPE"), "{text}");
    let letters = client.get(platform.operations_url("/internal/dead-letters"));
    let (status, _) = problem(letters.send().await.unwrap()).await;
    assert_eq!(status, 401);

    // A page of a developer's machine may not call.
    let preflight = client
        .request(Method::OPTIONS, platform.url("/api/v1/tickets"))
        .header("Origin", "http://localhost:3000")
        .header("Access-Control-Request-Method", "GET");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.headers().get("access-control-allow-origin"), None);

    // A client on the same machine is limited like any other.
    let providers = client.get(platform.url("/api/v1/auth/providers?tenant=demo"));
    let limited = providers
        .header("X-Forwarded-For", "127.0.0.1")
        .send()
        .await
        .unwrap();
    assert!(limited.headers().contains_key("ratelimit"));

    let page = client.get(platform.url("/")).send().await.unwrap();
    let page = page.text().await.unwrap();
    for secret in ["@demo.example", "superadmin", "/dev/mail"] {
        assert!(!page.contains(secret), "the landing page shows {secret}");
    }
    for path in ["/healthz", "/readyz", "/docs", "/api/openapi.json"] {
        let answer = client.get(platform.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    let output = platform.stop();
    for secret in ["password", "API key", "demo.example", "superadmin@"] {
        assert!(
            !output.contains(secret),
            "the output has {secret}: {output}"
        );
    }
    let accounts: i64 = sqlx::query_scalar("select count(*) from identity.users")
        .fetch_one(&mut database.admin().await)
        .await
        .unwrap();
    assert_eq!(accounts, 0);
}

#[tokio::test]
async fn the_first_superadmin_comes_by_a_link_from_the_command_line() {
    let database = Database::create().await;
    let platform = Platform::start(&database);
    let link = platform.command(&["bootstrap-superadmin", "ops@example.org"]);
    let (page, token) = link.trim().split_once("#token=").unwrap();
    assert_eq!(page, "https://app.example.org/accept-invite");

    let client = Client::builder().no_proxy().build().unwrap();
    let accept = json!({"token": token, "password": "correct horse battery staple"});
    let accept = client
        .post(platform.url("/api/v1/auth/invite/accept"))
        .header("Content-Type", "application/json")
        .body(accept.to_string());
    let accepted = accept.send().await.unwrap();
    assert_eq!(accepted.status(), 200, "{}", accepted.text().await.unwrap());
    platform.stop();
}

#[tokio::test]
async fn everything_that_is_missing_is_named_at_once() {
    let errors = failed_start(vec![("PUBLIC_URL", "https://app.example.org".to_owned())]);
    for name in [
        "DATABASE_URL",
        "REVALENZ_MASTER_KEY",
        "REVALENZ_SMTP_URL",
        "REVALENZ_CLAMD",
    ] {
        assert!(errors.contains(&format!("{name} is missing")), "{errors}");
    }
    assert!(!errors.contains("panicked"), "{errors}");
}

#[tokio::test]
async fn captured_mail_is_refused() {
    let database = Database::create().await;
    let url = database.admin_url();
    let mut settings = running::settings(&url);
    settings.push(("REVALENZ_SMTP_URL", "folder".to_owned()));
    let errors = failed_start(settings);
    assert!(errors.contains("REVALENZ_SMTP_URL=folder"), "{errors}");
}

#[tokio::test]
async fn a_database_with_demo_accounts_is_refused() {
    let database = Database::create().await;
    let identity = db::Db::connect_lazy(&database.login_url("identity"), 1).unwrap();
    let state = access::AppState::new(
        identity.clone(),
        Clock::system(),
        Keyring::parse(&Keyring::generate()).unwrap(),
        access::AppSettings {
            public_url: "http://127.0.0.1:8080".to_owned(),
            cache_ttl: std::time::Duration::ZERO,
            local: true,
            in_flight: 8,
        },
    );
    let email = Email::parse("superadmin@revalenz.example").unwrap();
    let password = "correct horse battery staple";
    bootstrap::superadmin(&identity, &state, &email, "Demo", "Demo", password)
        .await
        .unwrap();
    let url = database.admin_url();
    let errors = failed_start(running::settings(&url));
    assert!(errors.contains("demo account"), "{errors}");
}
