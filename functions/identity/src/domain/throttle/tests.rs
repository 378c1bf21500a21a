use super::*;

const LIMITS: Limits = Limits {
    per_account_and_network: 10,
    per_account: 50,
    per_address: 100,
    window: TimeDelta::minutes(15),
};

fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn fail(throttle: &Throttle, account: &str, from: &str, times: usize) {
    for _ in 0..times {
        throttle
            .begin("demo", account, Some(address(from)), now())
            .await
            .unwrap()
            .record_failure(now());
    }
}

#[tokio::test]
async fn after_ten_failures_attempts_wait_for_the_window() {
    let throttle = Throttle::new(LIMITS);
    fail(&throttle, "a", "10.0.0.1", 10).await;
    let refused = throttle
        .begin("demo", "a", Some(address("10.0.0.1")), now())
        .await
        .unwrap_err();
    assert_eq!(refused, ThrottleError::TooMany { seconds: 900 });
    // The owner, somewhere else.
    assert!(
        throttle
            .begin("demo", "a", Some(address("10.0.1.1")), now())
            .await
            .is_ok()
    );
    assert!(
        throttle
            .begin("demo", "b", Some(address("10.0.0.1")), now())
            .await
            .is_ok()
    );
    assert!(
        throttle
            .begin("other", "a", Some(address("10.0.0.1")), now())
            .await
            .is_ok()
    );
    let later = now() + TimeDelta::minutes(15);
    assert!(
        throttle
            .begin("demo", "a", Some(address("10.0.0.1")), later)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_is_throttled() {
    let throttle = Throttle::new(LIMITS);
    for account in 0..100 {
        fail(&throttle, &account.to_string(), "2001:db8::1", 1).await;
    }
    let same_subnet = throttle
        .begin("demo", "new", Some(address("2001:db8::2")), now())
        .await;
    assert!(matches!(same_subnet, Err(ThrottleError::TooMany { .. })));
    assert!(
        throttle
            .begin("demo", "new", Some(address("2001:db8:0:1::1")), now())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn successes_never_count() {
    let throttle = Throttle::new(LIMITS);
    for _ in 0..200 {
        drop(
            throttle
                .begin("demo", "a", Some(address("10.0.0.1")), now())
                .await
                .unwrap(),
        );
    }
    fail(&throttle, "a", "10.0.0.1", 10).await;
}

#[tokio::test]
async fn concurrent_guesses_do_not_exceed_the_limit() {
    let throttle = Arc::new(Throttle::new(LIMITS));
    let guesses: Vec<_> = (0..50)
        .map(|_| {
            let throttle = throttle.clone();
            tokio::spawn(async move {
                let attempt = throttle.begin("demo", "a", None, now()).await?;
                tokio::task::yield_now().await;
                attempt.record_failure(now());
                Ok::<_, ThrottleError>(())
            })
        })
        .collect();
    let mut tried = 0;
    for guess in guesses {
        tried += usize::from(guess.await.unwrap().is_ok());
    }
    assert_eq!(tried, 10);
}

#[tokio::test]
async fn concurrent_successes_all_pass() {
    let throttle = Arc::new(Throttle::new(LIMITS));
    let attempts: Vec<_> = (0..50)
        .map(|_| {
            let throttle = throttle.clone();
            tokio::spawn(async move {
                let attempt = throttle.begin("demo", "a", None, now()).await;
                tokio::task::yield_now().await;
                attempt.is_ok()
            })
        })
        .collect();
    for attempt in attempts {
        assert!(attempt.await.unwrap());
    }
}

#[tokio::test]
async fn consuming_stops_at_the_limit() {
    let throttle = Throttle::new(LIMITS);
    for _ in 0..10 {
        throttle.consume("demo", "a", None, now()).await.unwrap();
    }
    let refused = throttle
        .consume("demo", "a", None, now())
        .await
        .unwrap_err();
    assert_eq!(refused, ThrottleError::TooMany { seconds: 900 });
    throttle.consume("demo", "b", None, now()).await.unwrap();
}

#[tokio::test]
async fn guesses_from_many_networks_are_throttled_but_not_the_owners_network() {
    let throttle = Throttle::new(LIMITS);
    for network in 0..5 {
        fail(&throttle, "a", &format!("10.0.{network}.1"), 10).await;
    }
    let owner = address("192.0.2.7");
    let refused = throttle.begin("demo", "a", Some(owner), now()).await;
    assert!(matches!(refused, Err(ThrottleError::TooMany { .. })));
    let known = || throttle.begin_from_known_network("demo", "a", owner, now());
    assert!(known().await.is_ok());
    // That network has its own limit.
    for _ in 0..10 {
        known().await.unwrap().record_failure(now());
    }
    assert!(matches!(known().await, Err(ThrottleError::TooMany { .. })));
}
