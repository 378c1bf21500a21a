//! The pages that belong to no function.

use super::get;

#[tokio::test]
async fn the_landing_page_lists_functions_but_no_passwords() {
    let page = get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'; style-src 'self'")
    );
    assert!(page.text.contains("<th scope=\"row\">support</th>"));
    assert!(page.text.contains("<code>/api/v1/tickets</code>"));
    assert!(
        page.text.contains("<td>&lt;manager&gt;</td>"),
        "values are escaped"
    );
    assert!(page.text.contains("manager@demo.example"));
    assert!(!page.text.contains("not-for-the-page"));
}

#[tokio::test]
async fn pages_load_only_local_resources() {
    for start in ["/", "/docs"] {
        let page = get(start).await;
        assert_eq!(page.status, 200, "{start}");
        let loads = page
            .text
            .split(['"', '\''])
            .filter(|text| text.starts_with('/') && text.contains('.'));
        let mut count = 0;
        for path in loads {
            assert_eq!(get(path).await.status, 200, "{start} loads {path}");
            count += 1;
        }
        assert!(count >= 2, "{start}");
        for scheme in ["http://", "https://"] {
            let external = page.text.match_indices(scheme).filter(|(at, _)| {
                let rest = &page.text[*at..];
                !rest.starts_with("http://127.0.0.1:8080")
                    && !rest.starts_with("http://www.w3.org/")
            });
            assert_eq!(external.count(), 0, "{start} names another host");
        }
    }
}

#[tokio::test]
async fn the_reference_runs_local_scripts_only() {
    let page = get("/docs").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(policy.contains("connect-src 'self';"), "{policy}");
    assert!(!page.text.contains("<script>"), "no inline script");
    let own = get("/docs/reference.js").await;
    assert!(own.text.contains("/api/openapi.json"));
    assert!(get("/docs/swagger-ui-bundle.js").await.text.len() > 1_000_000);
}

#[tokio::test]
async fn the_served_document_equals_the_committed_one() {
    let page = get("/api/openapi.json").await;
    assert_eq!(page.header("content-type"), "application/json");
    assert_eq!(
        page.text,
        platform::generators::generate("openapi", &[])
            .await
            .unwrap()
    );
}
