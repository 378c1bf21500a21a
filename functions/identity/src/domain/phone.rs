//! Phone numbers.

use web::{Localized, problem::FieldCode};

/// A phone number: 5 to 15 digits (E.164), with an optional leading plus and the usual separators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phone(String);

impl Phone {
    /// Parses the text, or returns what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let rest = text.strip_prefix('+').unwrap_or(text);
        let fits = (5..=15).contains(&digits)
            && text.len() <= 32
            && rest
                .chars()
                .all(|c| c.is_ascii_digit() || " -/().".contains(c));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldCode::InvalidFormat(Localized {
                de: "muss eine Telefonnummer wie +49 30 1234567 sein",
                en: "must be a phone number such as +49 30 1234567",
            }))
        }
    }

    /// The number as entered.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_phone_numbers_are_accepted() {
        for text in ["+49 30 1234567", "030/123456", "(030) 123-456", "11000"] {
            assert!(Phone::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "112",
            "+",
            "call me",
            "++49 30 123456",
            "1234567890123456",
            "030\n123456",
            "٠٣٠١٢٣٤٥٦",
        ] {
            assert!(Phone::parse(text).is_err(), "{text}");
        }
    }
}
