//! The bundled list of common passwords.

use std::{collections::HashSet, sync::LazyLock};

/// Maximum number of digits and signs around a base word that still make a weak password.
const MAX_AFFIX_LENGTH: usize = 5;
/// Entries from this length on are whole passwords; shorter ones are base words.
const MIN_PASSWORD_ENTRY_LENGTH: usize = 10;
const MIN_BASE_LENGTH: usize = 4;

struct Lists {
    whole: HashSet<&'static str>,
    bases: HashSet<&'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let entries = include_str!("common-passwords.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# ") && *line != "#");
    let (whole, bases) =
        entries.partition(|entry| entry.chars().count() >= MIN_PASSWORD_ENTRY_LENGTH);
    Lists { whole, bases }
});

/// Whether the password is on the list, or is a listed word that is repeated or surrounded by a few digits and signs.
pub(crate) fn is_common(password: &str) -> bool {
    let plain = password.to_lowercase();
    LISTS.whole.contains(plain.as_str())
        || is_decorated_base(&plain)
        || is_decorated_base(&undo_leetspeak(&plain))
        || is_monotonous(&plain)
}

/// `aaaaaaaaaa`, `1212121212`: fewer than four different characters.
fn is_monotonous(password: &str) -> bool {
    password.chars().collect::<HashSet<_>>().len() < 4
}

/// Tries every way of removing digits and signs from both ends.
fn is_decorated_base(password: &str) -> bool {
    let characters: Vec<char> = password.chars().collect();
    let is_affix = |c: &&char| !c.is_alphabetic();
    let front = characters
        .iter()
        .take(MAX_AFFIX_LENGTH)
        .take_while(is_affix)
        .count();
    let back = characters
        .iter()
        .rev()
        .take(MAX_AFFIX_LENGTH)
        .take_while(is_affix)
        .count();
    (0..=front).any(|front_cut| {
        (0..=back.min(MAX_AFFIX_LENGTH - front_cut)).any(|back_cut| {
            characters
                .get(front_cut..characters.len().saturating_sub(back_cut))
                .is_some_and(is_base)
        })
    })
}

/// A base word, or one repeated.
fn is_base(core: &[char]) -> bool {
    let longest = core.len().min(MIN_PASSWORD_ENTRY_LENGTH - 1);
    (MIN_BASE_LENGTH..=longest)
        .filter(|length| core.len().is_multiple_of(*length))
        .any(|length| {
            let (unit, _) = core.split_at(length);
            core.chunks(length).all(|chunk| chunk == unit)
                && LISTS
                    .bases
                    .contains(unit.iter().collect::<String>().as_str())
        })
}

/// The letters that digits and signs stand for: `p4ssw0rd`.
fn undo_leetspeak(password: &str) -> String {
    password
        .chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_detected() {
        for password in [
            "1234567890",
            "qwertyuiop",
            "passwordpassword",
            "Password2024!",
            "!dragon12",
            "P4ssw0rd99",
            "aaaaaaaaaaaa",
            "0123456789",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn passwords_that_only_contain_a_common_word_pass() {
        for password in [
            "correct horse battery",
            "password-for-the-shed",
            "Zwölf Boxkämpfer jagen",
            "x9!Kq2#vLw",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn the_list_is_complete() {
        assert_eq!(LISTS.whole.len() + LISTS.bases.len(), 7_290);
    }
}
