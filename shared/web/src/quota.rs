//! The `RateLimit` and `RateLimit-Policy` headers (draft-ietf-httpapi-ratelimit-headers, as structured fields).

use http::{HeaderMap, HeaderName, HeaderValue};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// State of a rate limit after a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The policy's name: lower-case letters.
    pub policy: &'static str,
    /// Requests per window.
    pub limit: u32,
    /// Length of a window in seconds.
    pub window_seconds: u32,
    /// Requests left.
    pub remaining: u32,
    /// Seconds until the limit is fully reset.
    pub reset_seconds: u32,
}

impl Quota {
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap) {
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
            // Letters and numbers are always a valid header value.
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
    fn the_headers_follow_the_draft() {
        let quota = Quota {
            policy: "user",
            limit: 1_200,
            window_seconds: 60,
            remaining: 1_190,
            reset_seconds: 30,
        };
        let mut headers = HeaderMap::new();
        quota.write_headers(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"user\";q=1200;w=60");
        assert_eq!(headers["ratelimit"], "\"user\";r=1190;t=30");
    }
}
