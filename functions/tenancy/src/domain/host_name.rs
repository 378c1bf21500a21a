//! Host names.

use utoipa::openapi::ObjectBuilder;
use web::{Texts, problem::FieldCode};

/// A fully qualified host name in lower case (RFC 1123); other scripts in their ASCII form (`xn--`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim().to_lowercase();
        let labels: Vec<&str> = text.split('.').collect();
        // A last label of digits alone would be an address.
        let top_is_a_name = labels
            .last()
            .is_some_and(|top| top.chars().any(|c| c.is_ascii_lowercase()));
        if text.len() <= 253
            && labels.len() >= 2
            && top_is_a_name
            && labels.iter().all(|label| is_label(label))
        {
            Ok(Self(text))
        } else {
            Err(FieldCode::InvalidFormat(Texts {
                de: "muss ein Hostname wie app.example.org sein, Umlaute in der Form xn--",
                en: "must be a host name such as app.example.org, other scripts in the form xn--",
            }))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn shape() -> ObjectBuilder {
        ObjectBuilder::new()
            .max_length(Some(253))
            .examples(["app.example.org"])
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .chars()
            .all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit())
}

super::text_field!(HostName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_has_labels_and_no_scheme_or_port() {
        assert_eq!(
            HostName::parse("App.Example.ORG").unwrap().as_str(),
            "app.example.org"
        );
        assert!(HostName::parse("xn--mller-kva.example").is_ok());
        let long = format!("{}.example", "a".repeat(64));
        for text in [
            "",
            "localhost",
            "127.0.0.1",
            "https://a.example",
            "a.example:80",
            "a..example",
            "-a.example",
            "a.example.",
            "müller.example",
            "a b.example",
            "*.example.org",
            &long,
        ] {
            assert!(HostName::parse(text).is_err(), "{text:?}");
        }
    }
}
