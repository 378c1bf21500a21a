//! In which language somebody is written to.

use web::Language;

/// The person's, else the tenant's, else German. A locale in a third language counts as none.
pub(crate) fn choose(person: &str, tenant: &str) -> Language {
    Language::of_locale(person)
        .or_else(|| Language::of_locale(tenant))
        .unwrap_or(Language::De)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_comes_before_the_tenant_and_german_last() {
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
