//! The settings of a process, as a shell reads them.

use std::{collections::BTreeMap, fmt::Write as _};

use web::settings::Entry;

/// Values by the names of their variables.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<&'static str, String>);

impl Environment {
    /// The same with one more.
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut more = self.clone();
        more.0.insert(name, value.to_owned());
        more
    }

    /// A line for each of the declared settings that has a value here.
    pub fn text(&self, declared: &[&[Entry]]) -> String {
        let mut text = String::new();
        for entry in declared.iter().copied().flatten() {
            if let Some(value) = self.0.get(entry.name) {
                // Writing into a String cannot fail.
                _ = writeln!(text, "{}={}", entry.name, quoted(value));
            }
        }
        text
    }
}

/// Within single quotes nothing has a meaning but the quote itself.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_gets_what_it_declares_and_a_shell_reads_it_as_it_is() {
        let all = Environment::default()
            .with("PORT", "8081")
            .with("REVALENZ_MASTER_KEY", "a:$b `c` 'd'");
        let declared: &[&[Entry]] = &[access::process::Settings::ENTRIES];
        assert_eq!(
            all.text(declared),
            "PORT='8081'\nREVALENZ_MASTER_KEY='a:$b `c` '\\''d'\\'''\n"
        );
        assert_eq!(
            all.text(&[crate::pages::Settings::ENTRIES]),
            "PORT='8081'\n",
            "the pages never see the master key"
        );
    }
}
