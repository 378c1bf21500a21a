//! `Content-Disposition` (RFC 6266, RFC 8187).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// `attr-char` of RFC 8187 stays, everything else is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header: a name in ASCII for old clients, and the name itself.
pub fn disposition(name: &str, inline: bool) -> String {
    let how = if inline { "inline" } else { "attachment" };
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let encoded = utf8_percent_encode(name, ENCODED);
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_neither_end_the_header_nor_be_lost() {
        assert_eq!(
            disposition("März \"1\".pdf", false),
            "attachment; filename=\"M_rz _1_.pdf\"; filename*=UTF-8''M%C3%A4rz%20%221%22.pdf"
        );
        assert!(disposition("a", true).starts_with("inline; "));
    }

    proptest::proptest! {
        #[test]
        fn it_is_always_a_header_of_plain_ascii(name in "\\PC{1,60}") {
            let header = disposition(&name, false);
            proptest::prop_assert!(header.bytes().all(|b| (0x20..0x7f).contains(&b)));
            proptest::prop_assert_eq!(header.matches('"').count(), 2);
            let (_, encoded) = header.split_once("*=UTF-8''").unwrap();
            let back = percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap();
            proptest::prop_assert_eq!(back, name);
        }
    }
}
