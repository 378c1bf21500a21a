use super::*;

const LIMITS: Limits = Limits {
    per_account: 10,
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
        .begin("demo", "a", Some(address("10.0.0.2")), now())
        .await
        .unwrap_err();
    assert_eq!(refused, ThrottleError::TooMany { seconds: 900 });
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
