//! A mail read back from its file.

use chrono::DateTime;
use ids::MessageId;
use mail_parser::{Address, MessageParser};

/// What the pages show of it. A file that is no mail shows as an empty one, with its source.
#[derive(Clone, Debug)]
pub(super) struct ReadMail {
    pub(super) id: MessageId,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) time: String,
    pub(super) text: String,
    pub(super) html: String,
    pub(super) source: String,
}

impl ReadMail {
    pub(super) fn of(id: MessageId, file: &[u8]) -> Self {
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
            from: people(parsed.from()),
            to: people(parsed.to()),
            subject: subject.map_or(empty.subject, str::to_owned),
            time: time.unwrap_or_default(),
            text: parsed.body_text(0).unwrap_or_default().into_owned(),
            html: parsed.body_html(0).unwrap_or_default().into_owned(),
            ..empty
        }
    }
}

fn people(addresses: Option<&Address<'_>>) -> String {
    let person = |address: &mail_parser::Addr<'_>| match (address.name(), address.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => address.or(name).unwrap_or_default().to_owned(),
    };
    let people = addresses.into_iter().flat_map(Address::iter).map(person);
    people.collect::<Vec<_>>().join(", ")
}

/// A stretch of text: plain, or an address to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    pub(super) link: bool,
}

/// Cuts text at the web addresses in it.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while let Some(start) = next_link(text, at) {
        let rest = &text[start..];
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
            .unwrap_or(rest.len());
        let link = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'']);
        if plain < start {
            found.push(Piece {
                text: &text[plain..start],
                link: false,
            });
        }
        found.push(Piece {
            text: link,
            link: true,
        });
        at = start + link.len();
        plain = at;
    }
    if plain < text.len() {
        found.push(Piece {
            text: &text[plain..],
            link: false,
        });
    }
    found
}

fn next_link(text: &str, from: usize) -> Option<usize> {
    let of = |scheme: &str| text[from..].find(scheme).map(|found| from + found);
    of("https://").into_iter().chain(of("http://")).min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(text: &str) -> Vec<&str> {
        let pieces = pieces(text).into_iter().filter(|piece| piece.link);
        pieces.map(|piece| piece.text).collect()
    }

    #[test]
    fn addresses_are_found_without_what_ends_the_sentence() {
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
    fn what_is_no_mail_is_shown_as_it_is() {
        let mail = ReadMail::of(MessageId::from_uuid(uuid::Uuid::nil()), b"\xff\x00 nothing");
        assert_eq!(mail.subject, "(no subject)");
        assert!(mail.source.contains("nothing"));
    }

    proptest! {
        #[test]
        fn no_letter_gets_lost(text in "(?s)(.|https?://){0,30}") {
            let whole: String = pieces(&text).iter().map(|piece| piece.text).collect();
            prop_assert_eq!(whole, text);
        }

        #[test]
        fn any_file_can_be_shown(file in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mail = ReadMail::of(MessageId::from_uuid(uuid::Uuid::nil()), &file);
            prop_assert!(!mail.subject.is_empty());
        }
    }
}
