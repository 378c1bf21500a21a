//! An email (RFC 5322) with a plain text and an HTML part.

use crate::ids::MessageId;
use chrono::{DateTime, Utc};
use lettre::{
    Address, Message,
    address::AddressError,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use url::Host;
use web::Language;

/// An email to send.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The message's identifier, also used for `Message-ID`, so that duplicates can be recognised.
    pub id: MessageId,
    /// The sender's name and address.
    pub from: (String, String),
    /// The address for replies, if it is not the sender's.
    pub reply_to: Option<String>,
    /// The recipient's name, if known, and address.
    pub to: (Option<String>, String),
    /// The subject, on one line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// The language of both parts.
    pub language: Language,
    /// When it was composed.
    pub date: DateTime<Utc>,
}

/// The email can't be composed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The address is invalid. It is not repeated, because reasons are stored and logged.
    #[error("invalid email address: {0}")]
    Address(#[from] AddressError),
    /// A required part is missing.
    #[error(transparent)]
    Mail(#[from] lettre::error::Error),
}

impl Mail {
    /// The message with all headers.
    pub fn compose(&self) -> Result<Message, ComposeError> {
        let from = mailbox(Some(&self.from.0), &self.from.1)?;
        let domain = from.email.domain().to_owned();
        let mut message = Message::builder()
            .from(from)
            .to(mailbox(self.to.0.as_deref(), &self.to.1)?)
            .subject(self.subject.as_str())
            .date(self.date.into())
            .message_id(Some(format!("<{}@{domain}>", self.id)))
            .raw_header(header("Content-Language", self.language.tag()))
            // RFC 3834: suppresses automatic replies.
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(address) = &self.reply_to {
            message = message.reply_to(mailbox(None, address)?);
        }
        let parts = MultiPart::alternative_plain_html(self.text.clone(), self.html.clone());
        Ok(message.multipart(parts)?)
    }
}

fn mailbox(name: Option<&str>, address: &str) -> Result<Mailbox, AddressError> {
    // A line break would start another header; control characters are not allowed in one.
    let sanitize = |name: &str| {
        let name = name.replace(char::is_control, " ");
        name.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let name = name.map(sanitize).filter(|name| !name.is_empty());
    Ok(Mailbox::new(
        name,
        ascii_domain(address).parse::<Address>()?,
    ))
}

/// The address with its domain as A-labels (RFC 5891), which every mail server takes. Only an address whose local part is not ASCII
/// needs SMTPUTF8 (RFC 6531).
fn ascii_domain(address: &str) -> String {
    let parts = address.rsplit_once('@');
    match parts.map(|(local, domain)| (local, Host::parse(domain))) {
        Some((local, Ok(Host::Domain(domain)))) => format!("{local}@{domain}"),
        _ => address.to_owned(),
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Mail {
        Mail {
            id: MessageId::from_uuid(uuid::Uuid::from_u128(7)),
            from: (
                "Müller & Söhne, Büro".to_owned(),
                "no-reply@revalenz.example".to_owned(),
            ),
            reply_to: Some("hilfe@müller.example".to_owned()),
            to: (
                Some("Ada Lovelace".to_owned()),
                "ada@demo.example".to_owned(),
            ),
            subject: "Bitte bestätigen Sie Ihre Adresse".to_owned(),
            text: "Schöne Grüße\n".to_owned(),
            html: "<p>Schöne Grüße</p>".to_owned(),
            language: Language::De,
            date: "2026-11-20T10:00:00Z".parse().unwrap(),
        }
    }

    fn compose_text(mail: &Mail) -> String {
        String::from_utf8(mail.compose().unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_domain_is_written_as_every_mail_server_reads_it() {
        for (address, written) in [
            ("max@müller.example", "max@xn--mller-kva.example"),
            ("german@straße.example", "german@xn--strae-oqa.example"),
            ("jürgen@müller.example", "jürgen@xn--mller-kva.example"),
            ("ada@example.org", "ada@example.org"),
            ("no address", "no address"),
        ] {
            assert_eq!(ascii_domain(address), written);
        }
    }

    #[test]
    fn a_composed_mail_can_be_parsed() {
        let text = compose_text(&sample());
        assert!(text.starts_with("From: "), "{text}");
        for line in [
            "Message-ID: <00000000-0000-0000-0000-000000000007@revalenz.example>",
            "Date: Fri, 20 Nov 2026 10:00:00 +0000",
            "Auto-Submitted: auto-generated",
            "Content-Language: de",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        let parsed = mail_parser::MessageParser::default()
            .parse(text.as_bytes())
            .unwrap();
        assert_eq!(parsed.subject(), Some("Bitte bestätigen Sie Ihre Adresse"));
        assert_eq!(parsed.body_text(0).unwrap().trim(), "Schöne Grüße");
        assert_eq!(parsed.body_html(0).unwrap().trim(), "<p>Schöne Grüße</p>");
        let from = parsed.from().and_then(|from| from.first()).unwrap();
        assert_eq!(from.name(), Some("Müller & Söhne, Büro"));
        assert_eq!(from.address(), Some("no-reply@revalenz.example"));
    }

    #[test]
    fn an_invalid_address_is_rejected_and_not_repeated() {
        let to = |address: &str| Mail {
            to: (None, address.to_owned()),
            ..sample()
        };
        for address in [
            "",
            "secret",
            "secret@",
            "secret@x.de\r\nBcc: y@z.de",
            "secret @x.de",
        ] {
            let error = to(address).compose().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    proptest! {
        /// Names and subjects contain user input.
        #[test]
        fn no_text_becomes_a_header(name in ".{0,40}", subject in ".{0,80}", text in "(?s).{0,200}") {
            let lines = format!("{name}\r\nBcc: eve@evil.example");
            let mail = Mail { to: (Some(lines.clone()), "a@b.example".to_owned()), from: (lines.clone(), "c@d.example".to_owned()), subject, text, ..sample() };
            let parsed = compose_text(&mail);
            let parsed = mail_parser::MessageParser::default().parse(parsed.as_bytes()).unwrap();
            prop_assert!(parsed.bcc().is_none());
            prop_assert_eq!(parsed.to().and_then(|to| to.first()).and_then(|to| to.address()), Some("a@b.example"));
        }

        /// Every address that `web::Email` accepts can be used.
        #[test]
        fn an_accepted_address_can_be_used(local in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}", label in "[a-z0-9ü]{1,20}") {
            let address = format!("{local}@{label}.example");
            prop_assume!(web::Email::parse(&address).is_ok());
            let mail = Mail { to: (None, address), ..sample() };
            prop_assert!(mail.compose().is_ok());
        }
    }
}
