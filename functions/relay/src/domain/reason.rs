//! Failure reasons as they are stored.

/// Maximum length of a stored reason, in characters.
const MAX_REASON_CHARS: usize = 500;

/// Truncates a reason and removes NUL, which PostgreSQL rejects in text.
pub(crate) fn sanitize(reason: &str) -> String {
    reason
        .chars()
        .filter(|character| *character != '\0')
        .take(MAX_REASON_CHARS)
        .collect()
}
