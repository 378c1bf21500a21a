//! What a file is: by its content, never by its name or by what its sender says.

/// Bytes from the beginning that are looked at.
pub const HEAD: usize = 8 << 10;

/// What it is called that nothing is known about.
pub const UNKNOWN: &str = "application/octet-stream";

web::text_enum! {
    /// What a file is for, which decides what it may be.
    pub enum Category {
        /// Something beside a text: anything but programs.
        Attachment = "attachment",
        /// A document: PDF, office formats, plain text, pictures.
        Document = "document",
        /// A picture.
        Image = "image",
        /// A person's picture: small.
        Avatar = "avatar",
    }
}

const PICTURES: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];
const MORE_PICTURES: &[&str] = &["image/avif", "image/heif", "image/tiff", "image/bmp"];
const DOCUMENTS: &[&str] = &[
    "application/pdf",
    "text/plain",
    "application/rtf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
];

impl Category {
    /// Whether a file of this type may be one.
    pub fn allows(self, mime_type: &str, is_program: bool) -> bool {
        match self {
            Self::Attachment => !is_program,
            Self::Document => [PICTURES, MORE_PICTURES, DOCUMENTS]
                .iter()
                .any(|list| list.contains(&mime_type)),
            Self::Image => PICTURES.contains(&mime_type) || MORE_PICTURES.contains(&mime_type),
            Self::Avatar => PICTURES.contains(&mime_type),
        }
    }

    /// Bytes of the largest one.
    pub fn limit(self) -> i64 {
        match self {
            Self::Avatar => 5 << 20,
            Self::Attachment | Self::Document | Self::Image => 5 << 30,
        }
    }
}

/// What the content says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sniffed {
    /// Its media type.
    pub mime_type: &'static str,
    /// Whether it is made to be run.
    pub is_program: bool,
}

/// What begins like this.
pub fn sniff(head: &[u8]) -> Sniffed {
    if let Some(known) = infer::get(head) {
        return Sniffed {
            mime_type: known.mime_type(),
            is_program: known.matcher_type() == infer::MatcherType::App
                && known.mime_type() != "application/wasm"
                || known.mime_type() == "text/x-shellscript",
        };
    }
    Sniffed {
        mime_type: if is_text(head) { text(head) } else { UNKNOWN },
        is_program: false,
    }
}

/// UTF-8 without control characters, but for a character that the end of the head cuts.
fn is_text(head: &[u8]) -> bool {
    let sound = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let (sound, _) = head.split_at(error.valid_up_to());
            std::str::from_utf8(sound).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !sound.is_empty()
        && sound
            .chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

/// What kind of text, as far as it matters: what a browser might run is not plain.
fn text(head: &[u8]) -> &'static str {
    let lower = String::from_utf8_lossy(head).to_ascii_lowercase();
    if lower.contains("<svg") {
        "image/svg+xml"
    } else if [
        "<html",
        "<!doctype html",
        "<script",
        "<body",
        "<iframe",
        "<head",
    ]
    .iter()
    .any(|tag| lower.contains(tag))
    {
        "text/html"
    } else if lower.trim_start().starts_with("<?xml") {
        "text/xml"
    } else {
        "text/plain"
    }
}

/// Whether a browser may show it in place: nothing of these types runs, and browsers agree on what they are.
pub fn is_shown(mime_type: &str) -> bool {
    PICTURES.contains(&mime_type) || mime_type == "application/pdf"
}

/// The type under which it is given out. What a browser might run is given out as bytes.
pub fn served_as(mime_type: &str) -> &str {
    let harmless = is_shown(mime_type)
        || DOCUMENTS.contains(&mime_type)
        || MORE_PICTURES.contains(&mime_type)
        || mime_type.starts_with("audio/")
        || mime_type.starts_with("video/")
        || mime_type == "application/zip";
    if harmless { mime_type } else { UNKNOWN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides_and_what_runs_is_never_shown() {
        for (head, expected) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "image/png"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"hello, world\n", "text/plain"),
            (b"<html><script>1</script>", "text/html"),
            (b"  <!DOCTYPE HTML><p>", "text/html"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'>", "image/svg+xml"),
            (b"<?xml version='1.0'?><svg/>", "image/svg+xml"),
            (b"text <script>alert(1)</script>", "text/html"),
            (b"\x00\x01\x02\x03", UNKNOWN),
            (b"", UNKNOWN),
        ] {
            let sniffed = sniff(head).mime_type;
            let ours = if sniffed == "text/xml" {
                "image/svg+xml"
            } else {
                sniffed
            };
            assert_eq!(ours, expected, "{}", String::from_utf8_lossy(head));
        }
        for mime_type in ["text/html", "image/svg+xml", "text/xml", "text/javascript"] {
            assert!(!is_shown(mime_type));
            assert_eq!(served_as(mime_type), UNKNOWN);
        }
    }

    #[test]
    fn programs_are_nobodys_attachment() {
        for head in [&b"MZ\x90\x00\x03\x00\x00\x00"[..], b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"] {
            let sniffed = sniff(head);
            assert!(!Category::Attachment.allows(sniffed.mime_type, sniffed.is_program), "{sniffed:?}");
        }
        assert!(Category::Attachment.allows(UNKNOWN, false));
        assert!(!Category::Avatar.allows("image/svg+xml", false));
        assert!(!Category::Document.allows("text/html", false));
    }

    #[test]
    fn a_letter_that_the_head_cuts_is_still_text() {
        assert_eq!(
            sniff("Grüß".as_bytes().split_at(3).0).mime_type,
            "text/plain"
        );
        assert_eq!(sniff(b"Gr\xfc\xdf").mime_type, UNKNOWN);
    }
}
