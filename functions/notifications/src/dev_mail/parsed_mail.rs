//! Parses an email from its file.

use crate::ids::MessageId;
use chrono::DateTime;
use mail_parser::{Address, MessageParser};

/// The parts of an email that the pages show. An invalid file is shown as an empty email with its source.
#[derive(Clone, Debug)]
pub(super) struct ParsedMail {
    pub(super) id: MessageId,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) time: String,
    pub(super) text: String,
    pub(super) html: String,
    pub(super) source: String,
}

impl ParsedMail {
    pub(super) fn parse(id: MessageId, file: &[u8]) -> Self {
        let empty = Self {
            id,
            from: String::new(),
            to: String::new(),
            subject: "(no subject)".to_owned(),
            time: String::new(),
            text: String::new(),
            html: String::new(),
            source: String::from_utf8_lossy(file).into_owned(),
        };
        let Some(parsed) = MessageParser::default().parse(file) else {
            return empty;
        };
        let time = parsed
            .date()
            .and_then(|date| DateTime::from_timestamp(date.to_timestamp(), 0))
            .map(|time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string());
        let subject = parsed.subject().filter(|subject| !subject.is_empty());
        Self {
            from: format_addresses(parsed.from()),
            to: format_addresses(parsed.to()),
            subject: subject.map_or(empty.subject, str::to_owned),
            time: time.unwrap_or_default(),
            text: parsed.body_text(0).unwrap_or_default().into_owned(),
            html: parsed.body_html(0).unwrap_or_default().into_owned(),
            ..empty
        }
    }
}

fn format_addresses(addresses: Option<&Address<'_>>) -> String {
    let format_address = |address: &mail_parser::Addr<'_>| match (address.name(), address.address())
    {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => address.or(name).unwrap_or_default().to_owned(),
    };
    let formatted = addresses
        .into_iter()
        .flat_map(Address::iter)
        .map(format_address);
    formatted.collect::<Vec<_>>().join(", ")
}

/// A part of a text: plain or a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextSpan<'a> {
    pub(super) text: &'a str,
    pub(super) is_link: bool,
}

/// Splits a text into plain parts and URLs.
pub(super) fn split_links(text: &str) -> Vec<TextSpan<'_>> {
    let mut spans = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while let Some(start) = find_link(text, at) {
        let rest = &text[start..];
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
            .unwrap_or(rest.len());
        let link = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'']);
        if plain < start {
            spans.push(TextSpan {
                text: &text[plain..start],
                is_link: false,
            });
        }
        spans.push(TextSpan {
            text: link,
            is_link: true,
        });
        at = start + link.len();
        plain = at;
    }
    if plain < text.len() {
        spans.push(TextSpan {
            text: &text[plain..],
            is_link: false,
        });
    }
    spans
}

fn find_link(text: &str, from: usize) -> Option<usize> {
    let find = |scheme: &str| text[from..].find(scheme).map(|offset| from + offset);
    find("https://").into_iter().chain(find("http://")).min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(text: &str) -> Vec<&str> {
        let links = split_links(text).into_iter().filter(|span| span.is_link);
        links.map(|span| span.text).collect()
    }

    #[test]
    fn links_are_found_without_trailing_punctuation() {
        assert_eq!(
            links("See https://a.example/x#token=1, or (http://b.example). \"https://c.example\""),
            [
                "https://a.example/x#token=1",
                "http://b.example",
                "https://c.example"
            ]
        );
        assert_eq!(links("no link, javascript:alert(1)"), Vec::<&str>::new());
    }

    #[test]
    fn an_invalid_file_is_shown_as_its_source() {
        let mail = ParsedMail::parse(MessageId::from_uuid(uuid::Uuid::nil()), b"\xff\x00 nothing");
        assert_eq!(mail.subject, "(no subject)");
        assert!(mail.source.contains("nothing"));
    }

    proptest! {
        #[test]
        fn no_character_is_lost(text in "(?s)(.|https?://){0,30}") {
            let whole: String = split_links(&text).iter().map(|span| span.text).collect();
            prop_assert_eq!(whole, text);
        }

        #[test]
        fn any_file_can_be_parsed(file in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mail = ParsedMail::parse(MessageId::from_uuid(uuid::Uuid::nil()), &file);
            prop_assert!(!mail.subject.is_empty());
        }
    }
}
