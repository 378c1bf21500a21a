use serde_json::json;

use super::*;

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

#[test]
fn what_is_stored_adds_up_over_months_and_what_is_used_begins_anew() {
    let mut used = Used::default();
    for metric in [Metric::StorageBytes, Metric::LlmTokens] {
        for (of, quantity) in [("2026-09", 100), ("2026-10", 50), ("2026-11", -30)] {
            used.0.insert((metric, month(of).first_day()), quantity);
        }
    }
    let of = |metric, text| used.of(metric, month(text));
    assert_eq!(of(Metric::StorageBytes, "2026-10"), 150);
    assert_eq!(of(Metric::StorageBytes, "2026-12"), 120);
    assert_eq!(of(Metric::LlmTokens, "2026-10"), 50);
    assert_eq!(
        of(Metric::LlmTokens, "2026-11"),
        0,
        "never less than nothing"
    );
    assert_eq!(of(Metric::ApiRequests, "2026-10"), 0);
}

#[test]
fn a_threshold_is_reached_exactly() {
    assert_eq!(threshold(79, 100), None);
    assert_eq!(threshold(80, 100), Some(80));
    assert_eq!(threshold(99, 100), Some(80));
    assert_eq!(threshold(100, 100), Some(100));
    assert_eq!(threshold(i64::MAX, 1), Some(100));
    assert_eq!(threshold(5, 0), None, "nothing was promised");
    assert_eq!(threshold(2, 3), None);
}

fn read(value: Value) -> Result<UsageEvent, Vec<(String, &'static str)>> {
    let mut errors = Errors::default();
    UsageEvent::read(value, &Pointer::default(), &mut errors).ok_or_else(|| {
        let wrong = errors.into_list().into_iter();
        wrong
            .map(|error| (error.pointer, error.code.code()))
            .collect()
    })
}

#[test]
fn an_event_is_a_cloud_event_and_everything_wrong_is_named() {
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "/gateway", "type": "llm_tokens", "datacontenttype": "application/json",
        "subject": null, "time": "2026-11-20T10:00:00Z", "data": {"quantity": 512},
    });
    let event = read(event).unwrap();
    assert_eq!((event.metric, event.quantity), (Metric::LlmTokens, 512));
    let wrong = json!({"specversion": "0.3", "id": "", "type": "shoes", "data": {"quantity": 1.5}, "colour": "red"});
    assert_eq!(
        read(wrong).unwrap_err(),
        [
            ("/specversion", "not_one_of"),
            ("/id", "too_short"),
            ("/source", "required"),
            ("/type", "not_one_of"),
            ("/data/quantity", "wrong_type"),
            ("/colour", "unknown_field"),
        ]
        .map(|(pointer, code)| (pointer.to_owned(), code))
    );
}
