//! What a function's answer means.

use ::http::StatusCode;
use serde::Deserialize;

use crate::Delivery;

/// Bytes of an answer that are looked at.
pub(super) const LIMIT: usize = 16 * 1024;

/// Of a problem document.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    reason: Option<String>,
}

/// A function says itself whether an event may come again; everybody else who answers in its place (a proxy, a platform
/// that found no instance, a gate with another secret) has not seen the event.
pub(super) fn read(status: StatusCode, body: &[u8]) -> Delivery {
    if status.is_success() {
        return Delivery::Delivered;
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let reason = problem.reason.unwrap_or_else(|| {
        format!("answered {} {}", status.as_u16(), problem.code)
            .trim()
            .to_owned()
    });
    match (status.as_u16(), problem.code.as_str()) {
        (400 | 413 | 415 | 422, _) => Delivery::Poison(reason),
        (500, _) | (503, "event_postponed" | "timed_out") => Delivery::Retry(reason),
        _ => Delivery::Unreachable(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Delivery {
        super::read(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn a_function_decides_about_the_event() {
        assert_eq!(read(204, ""), Delivery::Delivered);
        assert_eq!(
            read(
                422,
                r#"{"code": "event_refused", "reason": "n.mails: no such ticket"}"#
            ),
            Delivery::Poison("n.mails: no such ticket".to_owned())
        );
        assert_eq!(
            read(
                503,
                r#"{"code": "event_postponed", "reason": "n.mails: busy"}"#
            ),
            Delivery::Retry("n.mails: busy".to_owned())
        );
        assert_eq!(
            read(500, r#"{"code": "internal_error"}"#),
            Delivery::Retry("answered 500 internal_error".to_owned())
        );
    }

    #[test]
    fn nobody_else_does() {
        for status in [301, 401, 403, 404, 408, 429, 502, 503, 504] {
            assert_eq!(
                read(status, "<html>no</html>"),
                Delivery::Unreachable(format!("answered {status}"))
            );
        }
    }
}
