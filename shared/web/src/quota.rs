//! How much a caller may still ask for, told in `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers,
//! in the form of structured fields).

use http::{HeaderMap, HeaderName, HeaderValue};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is left of a rate limit after a request was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The policy's name: lower-case letters.
    pub policy: &'static str,
    /// Requests in a window.
    pub limit: u32,
    /// Seconds of a window.
    pub window_seconds: u32,
    /// Requests that may still come at once.
    pub remaining: u32,
    /// Seconds until all of them may come again.
    pub reset_seconds: u32,
}

impl Quota {
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Self {
            policy,
            limit,
            window_seconds,
            remaining,
            reset_seconds,
        } = self;
        let fields = [
            (
                RATE_LIMIT_POLICY,
                format!("\"{policy}\";q={limit};w={window_seconds}"),
            ),
            (
                RATE_LIMIT,
                format!("\"{policy}\";r={remaining};t={reset_seconds}"),
            ),
        ];
        for (name, text) in fields {
            // A name of letters, and numbers: always a header value.
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_structured_as_the_draft_wants_them() {
        let quota = Quota {
            policy: "user",
            limit: 1_200,
            window_seconds: 60,
            remaining: 1_190,
            reset_seconds: 30,
        };
        let mut headers = HeaderMap::new();
        quota.tell(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"user\";q=1200;w=60");
        assert_eq!(headers["ratelimit"], "\"user\";r=1190;t=30");
    }
}
