//! The media type of a file, detected from its content and never from its name or from what the sender declares.

use super::file::MAX_FILE_SIZE;

/// Number of leading bytes used for detection.
pub const SNIFF_LENGTH: usize = 8 << 10;

/// The media type of unknown content.
pub const OCTET_STREAM: &str = "application/octet-stream";

web::text_enum! {
    /// The purpose of a file, which determines the allowed types and the maximum size.
    pub enum Category {
        /// An attachment: any type except executables.
        Attachment = "attachment",
        /// A document: PDF, office formats, plain text, images.
        Document = "document",
        /// An image.
        Image = "image",
        /// A person's picture, up to 5 MiB.
        Avatar = "avatar",
    }
}

const WEB_IMAGES: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];
const OTHER_IMAGES: &[&str] = &["image/avif", "image/heif", "image/tiff", "image/bmp"];
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
    /// Whether files of this category may have this media type.
    pub fn allows(self, mime_type: &str, is_executable: bool) -> bool {
        match self {
            Self::Attachment => !is_executable,
            Self::Document => [WEB_IMAGES, OTHER_IMAGES, DOCUMENTS]
                .iter()
                .any(|list| list.contains(&mime_type)),
            Self::Image => WEB_IMAGES.contains(&mime_type) || OTHER_IMAGES.contains(&mime_type),
            Self::Avatar => WEB_IMAGES.contains(&mime_type),
        }
    }

    /// The maximum size in bytes.
    pub fn max_size(self) -> i64 {
        match self {
            Self::Avatar => 5 << 20,
            Self::Attachment | Self::Document | Self::Image => MAX_FILE_SIZE,
        }
    }
}

/// The detected type of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SniffedType {
    /// The media type.
    pub mime_type: &'static str,
    /// Whether the file is a program or script.
    pub is_executable: bool,
}

/// Detects the type of a file from its first bytes. Text comes first: two letters at the beginning of a list do not make it a
/// program or a picture.
pub fn sniff(head: &[u8]) -> SniffedType {
    if is_text(head) {
        return SniffedType {
            mime_type: text_type(head),
            is_executable: head.starts_with(b"#!/"),
        };
    }
    let known = infer::get(head).filter(|known| is_certain(known.mime_type(), head));
    let Some(known) = known else {
        return SniffedType {
            mime_type: OCTET_STREAM,
            is_executable: false,
        };
    };
    let is_program = known.matcher_type() == infer::MatcherType::App;
    SniffedType {
        mime_type: known.mime_type(),
        // A certificate is no program, although it is listed among them.
        is_executable: is_program
            && !matches!(
                known.mime_type(),
                "application/wasm" | "application/x-x509-ca-cert"
            ),
    }
}

/// Whether the header is the whole one of this type, where two bytes would suffice for the detection.
fn is_certain(mime_type: &str, head: &[u8]) -> bool {
    match mime_type {
        // LLVM bitcode: "BC" 0xC0DE.
        "application/x-llvm" => head.starts_with(b"BC\xC0\xDE"),
        // BITMAPFILEHEADER: two reserved words of zero, then the size of one of the known info headers.
        "image/bmp" => {
            head.get(6..10) == Some(&[0; 4])
                && matches!(
                    head.get(14..18),
                    Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0])
                )
        }
        _ => true,
    }
}

/// Whether the bytes are UTF-8 without control characters. The last character may be cut off.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let (valid, _) = head.split_at(error.valid_up_to());
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && text
            .chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

/// The type of a text. Markup that a browser might execute is distinguished from plain text.
fn text_type(head: &[u8]) -> &'static str {
    let lower = String::from_utf8_lossy(head).to_ascii_lowercase();
    if head.starts_with(b"%PDF-") {
        "application/pdf"
    } else if head.starts_with(b"{\\rtf") {
        "application/rtf"
    } else if head.starts_with(b"#!/") {
        "text/x-shellscript"
    } else if lower.contains("<svg") {
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

/// Whether browsers may display the type inline: content of these types is never executed.
pub fn is_inline_safe(mime_type: &str) -> bool {
    WEB_IMAGES.contains(&mime_type) || mime_type == "application/pdf"
}

/// The media type to serve. Types that a browser might execute are served as `application/octet-stream`.
pub fn served_media_type(mime_type: &str) -> &str {
    let is_safe = is_inline_safe(mime_type)
        || DOCUMENTS.contains(&mime_type)
        || OTHER_IMAGES.contains(&mime_type)
        || mime_type.starts_with("audio/")
        || mime_type.starts_with("video/")
        || mime_type == "application/zip";
    if is_safe { mime_type } else { OCTET_STREAM }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_letters_and_certificates_are_no_programs() {
        for text in [
            &b"MZ;Name;Ort\n1;Anna;Halle\n"[..],
            b"BCN;Barcelona\nMAD;Madrid\n",
            b"#!Hinweis: bitte lesen\n",
            b"-----BEGIN CERTIFICATE-----\nMIIB\n",
            b"BMW 320d, Wartung",
            b"GIF89a File Specification",
        ] {
            let sniffed = sniff(text);
            let name = String::from_utf8_lossy(text);
            assert!(
                Category::Attachment.allows(sniffed.mime_type, sniffed.is_executable),
                "{name}"
            );
            assert_eq!(sniffed.mime_type, "text/plain", "{name}");
        }
        // A signed mail in DER.
        let signed = sniff(&[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x00, 0xff]);
        assert!(!signed.is_executable);
        assert_eq!(
            sniff(b"BM<script>alert(1)</script>\0\0").mime_type,
            OCTET_STREAM
        );
    }

    #[test]
    fn programs_are_detected() {
        for program in [
            &b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff"[..],
            &[&b"\x7fELF\x02\x01\x01"[..], &[0; 57]].concat(),
            b"BC\xC0\xDE\x35\x14\0\0",
            b"#!/bin/sh\necho hello\n",
        ] {
            assert!(sniff(program).is_executable, "{program:?}");
        }
    }

    #[test]
    fn types_are_detected_by_content_and_active_content_is_never_inline() {
        for (head, expected) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "image/png"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"hello, world\n", "text/plain"),
            (b"<html><script>1</script>", "text/html"),
            (b"  <!DOCTYPE HTML><p>", "text/html"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'>", "image/svg+xml"),
            (b"<?xml version='1.0'?><svg/>", "image/svg+xml"),
            (b"text <script>alert(1)</script>", "text/html"),
            (b"\x00\x01\x02\x03", OCTET_STREAM),
            (b"", OCTET_STREAM),
        ] {
            let sniffed = sniff(head).mime_type;
            let detected = if sniffed == "text/xml" {
                "image/svg+xml"
            } else {
                sniffed
            };
            assert_eq!(detected, expected, "{}", String::from_utf8_lossy(head));
        }
        for mime_type in ["text/html", "image/svg+xml", "text/xml", "text/javascript"] {
            assert!(!is_inline_safe(mime_type));
            assert_eq!(served_media_type(mime_type), OCTET_STREAM);
        }
    }

    #[test]
    fn executables_are_not_allowed_as_attachments() {
        for head in [&b"MZ\x90\x00\x03\x00\x00\x00"[..], b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"] {
            let sniffed = sniff(head);
            assert!(!Category::Attachment.allows(sniffed.mime_type, sniffed.is_executable), "{sniffed:?}");
        }
        assert!(Category::Attachment.allows(OCTET_STREAM, false));
        assert!(!Category::Avatar.allows("image/svg+xml", false));
        assert!(!Category::Document.allows("text/html", false));
    }

    #[test]
    fn text_that_is_cut_inside_a_character_is_still_text() {
        assert_eq!(
            sniff("Grüß".as_bytes().split_at(3).0).mime_type,
            "text/plain"
        );
        assert_eq!(sniff(b"Gr\xfc\xdf").mime_type, OCTET_STREAM);
    }
}
