//! One connection, many tenants: transaction settings never outlive the transaction.

use std::{collections::BTreeSet, time::Duration};

use db::{Actor, Db, DbError, TenantTx};
use ids::{Id, TenantId, TicketId};
use sqlx::{Executor, Row};
use testkit::TestApp;

const ITERATIONS: usize = 1_000;

/// The tenant still set on the connection, and the connection's process id.
async fn leftover_tenant(db: &Db) -> (String, i32) {
    let mut tx = db.begin_unscoped().await.unwrap();
    let row = tx
        .conn()
        .fetch_one("select coalesce(current_setting('app.tenant_id', true), '') as tenant, pg_backend_pid() as pid")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    (row.get("tenant"), row.get("pid"))
}

/// Deliberately without `tenant_id = $1`, to test row-level security alone.
async fn tenants_seen(tx: &mut TenantTx) -> Vec<TenantId> {
    sqlx::query_scalar("select distinct tenant_id from support.tickets")
        .fetch_all(tx.conn())
        .await
        .unwrap()
}

async fn insert_ticket(tx: &mut TenantTx, app: &TestApp, number: i32) {
    let now = app.clock.now();
    sqlx::query(
        "insert into support.tickets (tenant_id, ticket_id, number, title, description, status, priority, channel, created_by_kind, created_at, updated_at)
        values ($1, $2, $3, 'Tropfender Hahn', '', 'open', 'low', 'api', 'system', $4, $4)",
    )
    .bind(tx.tenant())
    .bind::<TicketId>(Id::at(now))
    .bind(number)
    .bind(now)
    .execute(tx.conn())
    .await
    .unwrap();
}

#[tokio::test]
async fn a_transaction_leaves_no_tenant_behind() {
    let app = TestApp::new(&[]).await;
    let tenant = app.tenant("ours").await.id;
    let db = Db::connect_lazy(&app.database.login_url("support"), 1).unwrap();
    let (before, connection) = leftover_tenant(&db).await;
    assert_eq!(before, "");

    let committed = db
        .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
        .await
        .unwrap();
    committed.commit().await.unwrap();
    assert_eq!(
        leftover_tenant(&db).await,
        (String::new(), connection),
        "after a commit"
    );

    let mut dropped = db
        .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
        .await
        .unwrap();
    insert_ticket(&mut dropped, &app, 1).await;
    drop(dropped);
    assert_eq!(
        leftover_tenant(&db).await,
        (String::new(), connection),
        "after a roll-back"
    );

    let reading = db
        .begin_read_only(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
        .await
        .unwrap();
    reading.commit().await.unwrap();
    assert_eq!(
        leftover_tenant(&db).await,
        (String::new(), connection),
        "after reading"
    );

    let mut failed = db
        .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
        .await
        .unwrap();
    failed.conn().execute("select 1 / 0").await.unwrap_err();
    drop(failed);
    assert_eq!(
        leftover_tenant(&db).await,
        (String::new(), connection),
        "after an error"
    );

    let other = app.tenant("theirs").await.id;
    let mut turned = db
        .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
        .await
        .unwrap();
    #[expect(clippy::disallowed_methods, reason = "its cleanup is under test")]
    turned.switch_tenant(other, Actor::SYSTEM).await.unwrap();
    turned.commit().await.unwrap();
    assert_eq!(
        leftover_tenant(&db).await,
        (String::new(), connection),
        "after switching to another tenant"
    );
}

#[tokio::test]
async fn one_connection_shared_by_two_tenants_never_shows_one_the_other() {
    let app = TestApp::new(&[]).await;
    let tenants = [app.tenant("ours").await.id, app.tenant("theirs").await.id];
    let db = Db::connect_lazy(&app.database.login_url("support"), 1).unwrap();
    for tenant in tenants {
        let mut tx = db
            .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
            .await
            .unwrap();
        insert_ticket(&mut tx, &app, 1).await;
        tx.commit().await.unwrap();
    }
    let (mut foreign, mut dropped, mut connections) = (0, 0, BTreeSet::new());
    for turn in 0..ITERATIONS {
        let tenant = tenants[turn % 2];
        let mut tx = db
            .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
            .await
            .unwrap();
        let seen = tenants_seen(&mut tx).await;
        assert!(
            seen.contains(&tenant),
            "turn {turn}: a tenant does not see its own row"
        );
        foreign += seen.iter().filter(|seen| **seen != tenant).count();
        if turn % 7 == 0 {
            abandon(tx, &app, turn).await;
            dropped += 1;
        } else {
            tx.commit().await.unwrap();
        }
        if turn % 10 == 0 {
            let (left, connection) = leftover_tenant(&db).await;
            assert_eq!(left, "", "turn {turn} left a tenant behind");
            connections.insert(connection);
        }
    }
    println!(
        "{ITERATIONS} turns of two tenants on one connection ({} in all), {dropped} transactions abandoned: {foreign} foreign rows",
        connections.len()
    );
    assert_eq!(foreign, 0);
    let mut tx = db
        .begin(
            tenants[0],
            Actor::SYSTEM,
            testkit::TEST_EPOCH.parse().unwrap(),
        )
        .await
        .unwrap();
    let kept: i64 = tx
        .conn()
        .fetch_one("select count(*) from support.tickets")
        .await
        .unwrap()
        .get(0);
    assert_eq!(kept, 1, "abandoned transactions have no effect");
}

/// Drops a transaction like a disconnected client: after a write, or during a statement.
async fn abandon(mut tx: TenantTx, app: &TestApp, turn: usize) {
    insert_ticket(&mut tx, app, i32::try_from(turn).unwrap() + 2).await;
    if turn.is_multiple_of(2) {
        drop(tx);
        return;
    }
    let slow = tx.conn().execute("select pg_sleep(0.02)");
    assert!(
        tokio::time::timeout(Duration::from_millis(2), slow)
            .await
            .is_err(),
        "the statement was too quick"
    );
    drop(tx);
}

#[tokio::test]
async fn a_cancelled_begin_leaves_no_tenant_behind() {
    let app = TestApp::new(&[]).await;
    let tenant = app.tenant("ours").await.id;
    let db = Db::connect_lazy(&app.database.login_url("support"), 1).unwrap();
    let mut given_up = 0;
    for turn in 0..500 {
        let begin = db.begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap());
        // Cancels at every possible point.
        if tokio::time::timeout(Duration::from_micros(turn * 2), begin)
            .await
            .is_err()
        {
            given_up += 1;
        }
        assert_eq!(leftover_tenant(&db).await.0, "", "turn {turn}");
    }
    println!("{given_up} of 500 begins were cancelled, 0 left a tenant behind");
    assert!(given_up > 0);
}

#[tokio::test]
async fn a_cancelled_commit_leaves_no_tenant_behind() {
    let app = TestApp::new(&[]).await;
    let tenant = app.tenant("ours").await.id;
    let db = Db::connect_lazy(&app.database.login_url("support"), 1).unwrap();
    for turn in 0..100 {
        let mut tx = db
            .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
            .await
            .unwrap();
        insert_ticket(&mut tx, &app, turn).await;
        let _ = tokio::time::timeout(
            Duration::from_micros(5 * u64::from(turn.unsigned_abs())),
            tx.commit(),
        )
        .await;
        assert_eq!(leftover_tenant(&db).await.0, "", "turn {turn}");
    }
}

#[tokio::test]
async fn a_read_only_transaction_refuses_writes() {
    let app = TestApp::new(&[]).await;
    let tenant = app.tenant("ours").await.id;
    let db = Db::connect_lazy(&app.database.login_url("support"), 1).unwrap();
    let mut tx = db
        .begin_read_only(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
        .await
        .unwrap();
    let refused = sqlx::query("delete from access.idempotency_keys where tenant_id = $1")
        .bind(tenant)
        .execute(tx.conn())
        .await
        .unwrap_err();
    let code = refused
        .as_database_error()
        .and_then(|error| error.code().map(std::borrow::Cow::into_owned));
    assert_eq!(code.as_deref(), Some("25006"), "{refused}");
}

#[tokio::test]
async fn a_changed_password_is_reported_as_unavailable() {
    let app = TestApp::new(&[]).await;
    // The superuser's: functions need no password in the test cluster.
    let url = app.database.admin_url();
    let (_, place) = url.split_once('@').unwrap();
    let db = Db::connect_lazy(&format!("postgres://postgres:yesterdays@{place}"), 1).unwrap();
    let refused = db.begin_unscoped().await.unwrap_err();
    assert!(matches!(refused, DbError::Unavailable(_)), "{refused:?}");
}

#[tokio::test]
async fn pool_metrics_are_always_available() {
    let app = TestApp::new(&[]).await;
    let tenant = app.tenant("ours").await.id;
    let db = Db::connect_lazy(&app.database.login_url("support"), 1).unwrap();
    let pool = db.clone();
    let metrics = web::telemetry::init_metrics().with_gauges(move || pool.record_metrics("one"));
    let says = |line: &str| metrics.render().lines().any(|rendered| rendered == line);
    let until = async |line: &str| {
        while !says(line) {
            tokio::task::yield_now().await;
        }
    };

    let first = db
        .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
        .await
        .unwrap();
    assert!(says("db_pool_connections{pool=\"one\",state=\"in_use\"} 1"));
    assert!(says("db_pool_connections{pool=\"one\",state=\"idle\"} 0"));
    assert!(says("db_pool_limit{pool=\"one\"} 1"));
    assert!(says("db_pool_waiting{pool=\"one\"} 0"));

    let other = db.clone();
    let second = tokio::spawn(async move {
        other
            .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
            .await
    });
    until("db_pool_waiting{pool=\"one\"} 1").await;
    first.commit().await.unwrap();
    second.await.unwrap().unwrap().commit().await.unwrap();
    until("db_pool_waiting{pool=\"one\"} 0").await;
    until("db_pool_connections{pool=\"one\",state=\"idle\"} 1").await;
}

#[tokio::test]
async fn on_a_full_server_a_process_keeps_using_its_connections() {
    let app = TestApp::new(&[]).await;
    let tenant = app.tenant("ours").await.id;
    let db = Db::connect_lazy(&app.database.login_url("support"), 4).unwrap();
    let first = db
        .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
        .await
        .unwrap();
    app
        .database
        .admin()
        .await
        .execute(
            "do $$ begin execute format('alter database %I connection limit 1', current_database()); end $$",
        )
        .await
        .unwrap();

    let other = db.clone();
    let second = tokio::spawn(async move {
        other
            .begin(tenant, Actor::SYSTEM, testkit::TEST_EPOCH.parse().unwrap())
            .await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!second.is_finished(), "there was room for a second one");
    first.commit().await.unwrap();
    second.await.unwrap().unwrap().commit().await.unwrap();
    db.ready().await.unwrap();
    // End pending connection attempts: dropping a database waits for them.
    db.close().await;
}

/// A proxy to the database that delays every new connection.
async fn delaying_proxy(url: &str, wait: Duration) -> String {
    let place = url.split_once('@').unwrap().1;
    let server = place.split_once('/').unwrap().0.to_owned();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = url.replace(&server, &listener.local_addr().unwrap().to_string());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                let mut server = tokio::net::TcpStream::connect(server).await.unwrap();
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    slow
}

#[tokio::test]
async fn a_connection_slower_than_the_acquire_timeout_is_still_established() {
    let app = TestApp::new(&[]).await;
    let url = app.database.login_url("support");
    let slow = delaying_proxy(&url, Duration::from_millis(1_500)).await;
    let db = Db::connect_lazy(&slow, 2).unwrap();
    let refused = db.begin_unscoped().await.unwrap_err();
    assert!(matches!(refused, DbError::Unavailable(_)), "{refused:?}");
    // The first attempt continues in the background, and finishes before a second one could.
    db.begin_unscoped().await.unwrap().commit().await.unwrap();
    db.close().await;
}
