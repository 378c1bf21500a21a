//! The `Range` header with a single byte range (RFC 9110, section 14).

use std::ops::Range;

/// The part of a file that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// The whole file: no range, or one that is not supported.
    Full,
    /// A part of the file.
    Partial(Range<u64>),
    /// A range outside the file.
    Unsatisfiable,
}

/// Parses the header for a file of `size` bytes. Multiple ranges select the whole file, as the RFC allows.
pub fn parse_range(header: Option<&str>, size: u64) -> ByteRange {
    let Some(spec) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return ByteRange::Full;
    };
    let Some((first, last)) = spec.split_once('-') else {
        return ByteRange::Full;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (number(first.trim()), number(last.trim())) {
        (Some(first), Some(last)) if last < first => ByteRange::Full,
        // Something else than a number, such as the second of several ranges.
        (Some(_), None) if !last.trim().is_empty() => ByteRange::Full,
        (Some(first), _) if first >= size => ByteRange::Unsatisfiable,
        (Some(first), Some(last)) => ByteRange::Partial(first..last.saturating_add(1).min(size)),
        (Some(first), None) => ByteRange::Partial(first..size),
        (None, Some(suffix)) if first.trim().is_empty() => match suffix.min(size) {
            0 => ByteRange::Unsatisfiable,
            suffix => ByteRange::Partial(size - suffix..size),
        },
        _ => ByteRange::Full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_parsed_and_others_select_the_whole_file() {
        for (header, expected) in [
            ("bytes=0-0", ByteRange::Partial(0..1)),
            ("bytes=2-", ByteRange::Partial(2..10)),
            ("bytes=-3", ByteRange::Partial(7..10)),
            ("bytes=-99", ByteRange::Partial(0..10)),
            ("bytes=5-99", ByteRange::Partial(5..10)),
            ("bytes=9-18446744073709551615", ByteRange::Partial(9..10)),
            ("bytes=10-", ByteRange::Unsatisfiable),
            ("bytes=99999999999999999999-", ByteRange::Unsatisfiable),
            ("bytes=-0", ByteRange::Unsatisfiable),
            ("bytes=5-2", ByteRange::Full),
            ("bytes=0-1,3-4", ByteRange::Full),
            ("bytes=100-,0-9", ByteRange::Full),
            ("bytes=500-600,0-1", ByteRange::Full),
            ("bytes=100-abc", ByteRange::Full),
            ("bytes=", ByteRange::Full),
            ("bytes=-", ByteRange::Full),
            ("bytes=a-b", ByteRange::Full),
            ("items=0-1", ByteRange::Full),
        ] {
            assert_eq!(parse_range(Some(header), 10), expected, "{header}");
        }
        assert_eq!(parse_range(None, 10), ByteRange::Full);
        assert_eq!(parse_range(Some("bytes=0-"), 0), ByteRange::Unsatisfiable);
    }
}
