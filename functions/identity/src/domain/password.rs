//! Password rules: a minimum length and no common or personal passwords, without composition rules.

use unicode_normalization::UnicodeNormalization;
use web::{Localized, fields::Secret, problem::FieldCode};

use super::common_passwords::is_common;

/// A new password. Tenants can require more than ten characters, never fewer.
pub(crate) type NewPassword = Secret<10, 128>;
/// A password to verify, with a maximum length only.
pub(crate) type PasswordInput = Secret<1, 1024>;

/// Shorter parts of names occur in too many words.
const MIN_PERSONAL_LENGTH: usize = 4;

/// The user whose password it will be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) email: &'a str,
    pub(crate) given_name: &'a str,
    pub(crate) family_name: &'a str,
}

/// The form in which passwords are compared, checked and hashed: `OpaqueString` of RFC 8265, 4.2, with spaces as U+0020 and in NFC. Unlike
/// there, no character is refused.
pub(crate) fn opaque_string(password: &str) -> String {
    let space = |character: char| match character {
        '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
            ' '
        }
        other => other,
    };
    password.chars().map(space).nfc().collect()
}

/// Checks the password for this user.
pub(crate) fn check(
    password: &NewPassword,
    owner: Owner<'_>,
    min_length: usize,
) -> Result<(), FieldCode> {
    let text = opaque_string(password.expose());
    let text = text.as_str();
    if text.chars().count() < min_length {
        return Err(FieldCode::TooShort(min_length));
    }
    if is_common(text) {
        return Err(FieldCode::Rule(
            "common_password",
            Localized {
                de: "wird zu häufig verwendet; bitte wählen Sie ein anderes Passwort",
                en: "is too common; choose a different password",
            },
        ));
    }
    if is_personal(text, owner) {
        return Err(FieldCode::Rule(
            "personal_password",
            Localized {
                de: "darf weder den Namen noch die E-Mail-Adresse enthalten",
                en: "must not contain the user's name or email address",
            },
        ));
    }
    Ok(())
}

fn is_personal(password: &str, owner: Owner<'_>) -> bool {
    let password = password.to_lowercase();
    let local = owner.email.split('@').next().unwrap_or_default();
    let names = [owner.given_name, owner.family_name];
    let names = names
        .iter()
        .flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
    std::iter::once(local)
        .chain(local.split('+').next())
        .chain(names)
        .filter(|part| part.chars().count() >= MIN_PERSONAL_LENGTH)
        .any(|part| password.contains(&part.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWNER: Owner<'_> = Owner {
        email: "jo.doe@example.org",
        given_name: "Johanna",
        family_name: "von Doe-Müller",
    };

    fn code(password: &str, min_length: usize) -> Option<&'static str> {
        let password = NewPassword::parse(password).unwrap();
        check(&password, OWNER, min_length)
            .err()
            .map(|code| code.code())
    }

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        assert_eq!(code("sixteen letters!", 17), Some("too_short"));
        assert_eq!(code("qwertyuiop", 10), Some("common_password"));
        assert_eq!(code("I am JOHANNA, ha", 10), Some("personal_password"));
        assert_eq!(code("mit müller und co", 10), Some("personal_password"));
        assert_eq!(code("jo.doe rides again", 10), Some("personal_password"));
        assert_eq!(code("a vondoe is fine", 10), None);
    }

    proptest! {
        #[test]
        fn any_password_can_be_checked(password in "\\PC{10,128}") {
            let password = NewPassword::parse(&password).unwrap();
            let _ = check(&password, OWNER, 10);
        }

        #[test]
        fn a_name_is_detected_anywhere_in_a_password(before in "[ -~]{5,20}", after in "[ -~]{5,20}") {
            let password = NewPassword::parse(&format!("{before}jOhAnNa{after}")).unwrap();
            prop_assert!(check(&password, OWNER, 10).is_err());
        }
    }
}
