//! Maps a function's HTTP response to a delivery outcome.

use ::http::StatusCode;
use serde::Deserialize;

use crate::DeliveryOutcome;

/// Maximum number of bytes read from a response body.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024;

/// The members of a problem document that matter here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    reason: Option<String>,
}

/// Only the function itself decides whether an event may be retried. Any other response (from a proxy, from a platform without a
/// running instance, or because of a wrong secret) counts as unreachable: the event was not processed.
pub(super) fn classify(status: StatusCode, body: &[u8]) -> DeliveryOutcome {
    if status.is_success() {
        return DeliveryOutcome::Delivered;
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let reason = problem.reason.unwrap_or_else(|| {
        format!("responded {} {}", status.as_u16(), problem.code)
            .trim()
            .to_owned()
    });
    match (status.as_u16(), problem.code.as_str()) {
        (400 | 413 | 415 | 422, _) => DeliveryOutcome::Poison(reason),
        (500, _) | (503, "event_postponed" | "timed_out") => DeliveryOutcome::Retry(reason),
        _ => DeliveryOutcome::Unreachable(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> DeliveryOutcome {
        classify(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn the_function_decides_about_the_event() {
        assert_eq!(outcome(204, ""), DeliveryOutcome::Delivered);
        assert_eq!(
            outcome(
                422,
                r#"{"code": "event_refused", "reason": "n.mails: no such ticket"}"#
            ),
            DeliveryOutcome::Poison("n.mails: no such ticket".to_owned())
        );
        assert_eq!(
            outcome(
                503,
                r#"{"code": "event_postponed", "reason": "n.mails: busy"}"#
            ),
            DeliveryOutcome::Retry("n.mails: busy".to_owned())
        );
        assert_eq!(
            outcome(500, r#"{"code": "internal_error"}"#),
            DeliveryOutcome::Retry("responded 500 internal_error".to_owned())
        );
    }

    #[test]
    fn any_other_response_counts_as_unreachable() {
        for status in [301, 401, 403, 404, 408, 429, 502, 503, 504] {
            assert_eq!(
                outcome(status, "<html>no</html>"),
                DeliveryOutcome::Unreachable(format!("responded {status}"))
            );
        }
    }
}
