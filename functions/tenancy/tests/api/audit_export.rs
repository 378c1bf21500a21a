//! The audit log as CSV.

use sqlx::{AssertSqlSafe, Executor};

use crate::{actions, app};

const EXPORT: &str = "/api/v1/audit-log.csv";

#[tokio::test]
async fn the_whole_log_is_exported_and_the_export_is_recorded() {
    let app = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    for (tenant, rows) in [(demo.id, 1_203), (other.id, 1)] {
        let sql = format!(
            "insert into access.audit_log (tenant_id, audit_entry_id, occurred_at, actor_kind, action, resource_kind, resource_id, changes, reason)
            select '{tenant}', gen_random_uuid(), '2026-11-19T00:00:00Z'::timestamptz + n / 3 * interval '1 second', 'system',
                'test.row.made', 'row', n::text, '{{\"a\": \"b, \\\"c\\\"\"}}', '=1+' || n || e'\\n'
            from generate_series(1, {rows}) n"
        );
        app.admin().await.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let admin = app.as_user(&demo.admin);
    let answer = admin.get(EXPORT).await.expect(200);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"audit-log-demo-2026-11-20.csv\""
    );
    let text = answer.text();
    let mut lines = text.split("\r\n");
    assert_eq!(
        lines.next().unwrap(),
        "id,occurred_at,actor_kind,actor_id,action,resource_kind,resource_id,changes,reason,request_id,address,sequence"
    );
    let own = lines.next().unwrap();
    assert!(own.contains(",tenancy.audit_log.exported,"), "{own}");
    let newest = lines.next().unwrap();
    assert!(
        newest.contains("2026-11-19T00:06:41Z,system,,test.row.made,row,120"),
        "{newest}"
    );
    // Quotes are doubled, and formulas are escaped.
    assert!(
        newest.contains(r#""{""a"":""b, \""c\""""}","'=1+120"#),
        "{newest}"
    );
    let mut all: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    assert_eq!(all.len(), 1_202, "every row, none of the other tenant");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 1_202, "each once");
    assert!(
        actions(&admin)
            .await
            .contains(&"tenancy.audit_log.exported".to_owned())
    );
}

#[tokio::test]
async fn an_export_has_the_filters_of_the_list() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let count = async |query: &str| {
        let text = admin
            .get(&format!("{EXPORT}?{query}"))
            .await
            .expect(200)
            .text();
        text.lines().count() - 1
    };
    assert_eq!(count("").await, 1);
    assert_eq!(count("action=tenancy.audit_log").await, 2);
    assert_eq!(count("action=tenancy.api_key").await, 0);
    assert_eq!(count(&format!("actor={}", demo.admin.id)).await, 4);
    assert_eq!(count(&format!("actor={}", demo.manager.id)).await, 0);
    assert_eq!(count(&format!("resource=tenant/{}", demo.id)).await, 6);
    assert_eq!(count("to=2026-11-20T10:00:00Z").await, 0);
    for wrong in ["limit=5", "cursor=x", "actor=me", "from=yesterday"] {
        let path = format!("{EXPORT}?{wrong}");
        admin
            .get(&path)
            .await
            .expect_problem(422, "validation_failed");
    }
    app.as_user(&demo.expert)
        .get(EXPORT)
        .await
        .expect_problem(403, "forbidden");
}
