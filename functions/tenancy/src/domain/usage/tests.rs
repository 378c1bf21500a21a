use access::usage::API_REQUESTS;

use super::*;
use crate::declarations::LLM_TOKENS;

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

#[test]
fn storage_accumulates_over_months_and_other_usage_restarts() {
    let storage = Metric::parse("storage_bytes").unwrap();
    let mut used = UsageTotals::default();
    for metric in [storage, LLM_TOKENS] {
        for (of, quantity) in [("2026-09", 100), ("2026-10", 50), ("2026-11", -30)] {
            used.0.insert((metric, month(of).first_day()), quantity);
        }
    }
    let of = |metric, text| used.total(metric, month(text));
    assert_eq!(of(storage, "2026-10"), 150);
    assert_eq!(of(storage, "2026-12"), 120);
    assert_eq!(of(LLM_TOKENS, "2026-10"), 50);
    assert_eq!(of(LLM_TOKENS, "2026-11"), 0, "never negative");
    assert_eq!(of(API_REQUESTS, "2026-10"), 0);
}

#[test]
fn a_threshold_is_reached_at_its_exact_percentage() {
    assert_eq!(threshold(79, 100), None);
    assert_eq!(threshold(80, 100), Some(80));
    assert_eq!(threshold(99, 100), Some(80));
    assert_eq!(threshold(100, 100), Some(100));
    assert_eq!(threshold(i64::MAX, 1), Some(100));
    assert_eq!(threshold(5, 0), None, "a limit of zero");
    assert_eq!(threshold(2, 3), None);
}
