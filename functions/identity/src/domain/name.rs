//! Names of users: given and family name, or a full name that is split.

use web::{
    SingleLine,
    body::Change,
    problem::{FieldCode, FieldError},
};

/// A given or family name.
pub(crate) type NamePart = SingleLine<1, 100>;
/// A full name.
pub(crate) type FullName = SingleLine<1, 200>;

/// A complete name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) given: String,
    /// Empty for users with a single name.
    pub(crate) family: String,
    pub(crate) display: String,
}

impl Name {
    /// Builds the name from both parts, the full name, or all three.
    pub(crate) fn new(
        given: Option<NamePart>,
        family: Option<NamePart>,
        whole: Option<FullName>,
    ) -> Result<Self, Vec<FieldError>> {
        match (given, family, whole) {
            (given, family, Some(whole)) => {
                let split = Self::from_full_name(whole.as_str());
                Ok(Self {
                    given: given.map_or(split.given, SingleLine::into_string),
                    family: family.map_or(split.family, SingleLine::into_string),
                    display: split.display,
                })
            }
            (Some(given), Some(family), None) => {
                Ok(Self::from_parts(given.as_str(), family.as_str()))
            }
            (given, family, None) => {
                let missing = [
                    ("/given_name", given.is_none()),
                    ("/family_name", family.is_none()),
                ];
                Err(missing
                    .into_iter()
                    .filter(|(_, missing)| *missing)
                    .map(|(pointer, _)| FieldError {
                        pointer: pointer.to_owned(),
                        code: FieldCode::Required,
                    })
                    .collect())
            }
        }
    }

    /// The name with the given changes applied.
    pub(crate) fn with_changes(
        self,
        given: Change<NamePart>,
        family: Change<NamePart>,
        whole: Change<FullName>,
    ) -> Self {
        let (given, family) = (
            given.set().map(SingleLine::into_string),
            family.set().map(SingleLine::into_string),
        );
        match whole {
            Change::Set(whole) => {
                let split = Self::from_full_name(whole.as_str());
                Self {
                    given: given.unwrap_or(split.given),
                    family: family.unwrap_or(split.family),
                    display: split.display,
                }
            }
            Change::Keep if given.is_none() && family.is_none() => self,
            Change::Keep => {
                Self::from_parts(&given.unwrap_or(self.given), &family.unwrap_or(self.family))
            }
        }
    }

    fn from_parts(given: &str, family: &str) -> Self {
        Self {
            given: given.to_owned(),
            family: family.to_owned(),
            display: format!("{given} {family}").trim().to_owned(),
        }
    }

    /// Splits a full name; the last word becomes the family name.
    fn from_full_name(whole: &str) -> Self {
        let (given, family) = whole
            .rsplit_once(char::is_whitespace)
            .unwrap_or((whole, ""));
        Self {
            given: given.trim().to_owned(),
            family: family.to_owned(),
            display: whole.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(text: &str) -> NamePart {
        NamePart::parse(text).unwrap()
    }

    fn full(text: &str) -> FullName {
        FullName::parse(text).unwrap()
    }

    fn name(given: &str, family: &str, display: &str) -> Name {
        Name {
            given: given.to_owned(),
            family: family.to_owned(),
            display: display.to_owned(),
        }
    }

    #[test]
    fn a_name_can_be_given_in_parts_or_whole() {
        assert_eq!(
            Name::new(Some(part("Ada")), Some(part("Lovelace")), None).unwrap(),
            name("Ada", "Lovelace", "Ada Lovelace")
        );
        assert_eq!(
            Name::new(None, None, Some(full("Ada King Lovelace"))).unwrap(),
            name("Ada King", "Lovelace", "Ada King Lovelace")
        );
        assert_eq!(
            Name::new(None, None, Some(full("Ada"))).unwrap(),
            name("Ada", "", "Ada")
        );
        assert_eq!(
            Name::new(Some(part("Ada")), Some(part("King")), Some(full("Lady L"))).unwrap(),
            name("Ada", "King", "Lady L")
        );
        let missing = Name::new(Some(part("Ada")), None, None).unwrap_err();
        assert_eq!(missing[0].pointer, "/family_name");
        assert_eq!(Name::new(None, None, None).unwrap_err().len(), 2);
    }

    #[test]
    fn changing_a_part_updates_the_display_name() {
        let before = name("Ada", "Byron", "Ada Byron");
        let changed =
            before
                .clone()
                .with_changes(Change::Keep, Change::Set(part("King")), Change::Keep);
        assert_eq!(changed, name("Ada", "King", "Ada King"));
        let whole = before.clone().with_changes(
            Change::Keep,
            Change::Keep,
            Change::Set(full("Grace Hopper")),
        );
        assert_eq!(whole, name("Grace", "Hopper", "Grace Hopper"));
        assert_eq!(
            before
                .clone()
                .with_changes(Change::Keep, Change::Keep, Change::Keep),
            before
        );
    }

    proptest! {
        #[test]
        fn splitting_a_full_name_loses_nothing(text in "\\PC{1,60}") {
            if let Ok(whole) = FullName::parse(&text) {
                let name = Name::new(None, None, Some(whole.clone())).unwrap();
                prop_assert_eq!(&name.display, whole.as_str());
                prop_assert!(!name.given.is_empty());
                prop_assert!(name.display.starts_with(&name.given) && name.display.ends_with(&name.family));
            }
        }
    }
}
