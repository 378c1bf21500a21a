//! Writes the settings of a process as a shell-readable file.

use std::{collections::BTreeMap, fmt::Write as _};

use web::settings::Entry;

/// Values by variable name.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl From<BTreeMap<String, String>> for Environment {
    fn from(values: BTreeMap<String, String>) -> Self {
        Self(values)
    }
}

impl Environment {
    /// Returns a copy with one more value.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut copy = self.clone();
        copy.0.insert(name.to_owned(), value.to_owned());
        copy
    }

    /// Returns one line for each declared setting that has a value.
    pub fn text(&self, declared: &[Entry]) -> String {
        let mut text = String::new();
        for entry in declared {
            if let Some(value) = self.0.get(entry.name) {
                // Writing into a String cannot fail.
                _ = writeln!(text, "{}={}", entry.name, shell_quote(value));
            }
        }
        text
    }
}

/// Quotes a value for a shell: within single quotes only the single quote is special.
fn shell_quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_gets_the_settings_it_declares_quoted_for_a_shell() {
        let all = Environment::default()
            .with("PORT", "8081")
            .with("REVALENZ_MASTER_KEY", "a:$b `c` 'd'");
        assert_eq!(
            all.text(access::process::Settings::ENTRIES),
            "PORT='8081'\nREVALENZ_MASTER_KEY='a:$b `c` '\\''d'\\'''\n"
        );
        assert_eq!(
            all.text(crate::pages::Settings::ENTRIES),
            "PORT='8081'\n",
            "the pages never see the master key"
        );
    }
}
