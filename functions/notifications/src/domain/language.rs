//! The language of a message.

use web::Language;

/// The person's language, else the tenant's, else German. A locale in another language is ignored.
pub(crate) fn choose(person: &str, tenant: &str) -> Language {
    Language::of_locale(person)
        .or_else(|| Language::of_locale(tenant))
        .unwrap_or(Language::De)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persons_language_precedes_the_tenants_and_german_is_the_default() {
        for (person, tenant, chosen) in [
            ("en-GB", "de", Language::En),
            ("de-AT", "en", Language::De),
            ("fr", "en", Language::En),
            ("", "de", Language::De),
            ("fr", "it-CH", Language::De),
        ] {
            assert_eq!(choose(person, tenant), chosen, "{person} in {tenant}");
        }
    }
}
