use proptest::prelude::*;

use super::*;

const TEST_EPOCH: i64 = 1_800_000_000 * SECOND;

fn admitted(bucket: &Bucket, limit: u32, now: i64) -> bool {
    bucket
        .take("user", limit, now)
        .retry_after_seconds
        .is_none()
}

proptest! {
    #[test]
    fn admitted_requests_never_exceed_the_limit_plus_the_refill(
        limit in 1_u32..5_000,
        pauses in prop::collection::vec(0_i64..2 * SECOND, 1..2_000),
    ) {
        let bucket = Bucket::default();
        let (mut now, mut count) = (TEST_EPOCH, 0_i64);
        for pause in pauses {
            now += pause;
            count += i64::from(admitted(&bucket, limit, now));
            let refilled = (now - TEST_EPOCH) / (WINDOW / i64::from(limit));
            prop_assert!(count <= i64::from(limit) + refilled);
        }
    }

    #[test]
    fn waiting_for_retry_after_admits_the_next_request(limit in 1_u32..1_000, before in 0_i64..WINDOW) {
        let bucket = Bucket::default();
        for _ in 0..limit {
            prop_assert!(admitted(&bucket, limit, TEST_EPOCH));
        }
        let now = TEST_EPOCH + before;
        while admitted(&bucket, limit, now) {}
        let wait = bucket.take("user", limit, now).retry_after_seconds.unwrap();
        prop_assert!(wait >= 1);
        prop_assert!(admitted(&bucket, limit, now + i64::from(wait) * SECOND));
    }

    #[test]
    fn staying_within_the_quota_is_never_refused(limit in 1_u32..300, rounds in 1_usize..5) {
        let bucket = Bucket::default();
        let mut now = TEST_EPOCH;
        for _ in 0..rounds {
            let decision = bucket.take("user", limit, now);
            prop_assert_eq!(decision.retry_after_seconds, None);
            for _ in 0..decision.quota.remaining {
                prop_assert!(admitted(&bucket, limit, now));
            }
            prop_assert!(!admitted(&bucket, limit, now));
            let reset = bucket.take("user", limit, now).quota.reset_seconds;
            prop_assert!(reset <= WINDOW_SECONDS);
            now += i64::from(reset) * SECOND;
        }
    }

    #[test]
    fn a_clock_step_refuses_for_at_most_one_window(
        limit in 1_u32..1_000,
        jumps in prop::collection::vec(-100 * WINDOW..100 * WINDOW, 1..50),
    ) {
        let bucket = Bucket::default();
        let mut now = TEST_EPOCH;
        for jump in jumps {
            now = TEST_EPOCH + jump;
            admitted(&bucket, limit, now);
        }
        while admitted(&bucket, limit, now) {}
        prop_assert!(admitted(&bucket, limit, now + WINDOW));
    }
}

#[test]
fn concurrent_threads_never_exceed_the_limit() {
    let bucket = Bucket::default();
    let count = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..500)
                        .filter(|_| admitted(&bucket, 1_200, TEST_EPOCH))
                        .count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|t| t.join().unwrap())
            .sum::<usize>()
    });
    assert_eq!(count, 1_200);
}

#[test]
fn buckets_are_separate_and_bounded() {
    let limits = RateLimits::new();
    let now = "2026-11-20T10:00:00Z".parse().unwrap();
    let address = |number: u32| RateLimitKey::Address(IpAddr::from(number.to_be_bytes()));
    assert_eq!(limits.consume(address(0), 1, now).retry_after_seconds, None);
    assert_eq!(
        limits.consume(address(0), 1, now).retry_after_seconds,
        Some(60)
    );
    for number in 1..60_000 {
        assert_eq!(
            limits.consume(address(number), 1, now).retry_after_seconds,
            None
        );
    }
    limits.0.run_pending_tasks();
    assert!(limits.0.entry_count() <= MAX_BUCKETS);
}
