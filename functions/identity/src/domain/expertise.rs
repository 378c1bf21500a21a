//! Skills of users.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::Serialize;
use web::problem::{FieldCode, FieldError};

/// A skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the name on the wire")]
pub(crate) struct Skill {
    /// Name of the skill, in lower case.
    pub(crate) skill: String,
    /// Level from 1 (learning) to 5 (teaching others).
    pub(crate) level: i16,
    /// Years of experience; null if unknown.
    pub(crate) years: Option<i16>,
    /// Certificate for the skill; null if none.
    pub(crate) certificate: Option<Certificate>,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Certificate {
    /// Name of the certificate.
    pub(crate) name: String,
    /// Last day of validity; null if the certificate does not expire.
    pub(crate) valid_until: Option<NaiveDate>,
}

/// Returns the skills, or an error for each one that is listed twice.
pub(crate) fn check_unique(skills: Vec<Skill>) -> Result<Vec<Skill>, Vec<FieldError>> {
    let mut seen = HashSet::new();
    let duplicates: Vec<FieldError> = skills
        .iter()
        .enumerate()
        .filter(|(_, skill)| !seen.insert(skill.skill.as_str()))
        .map(|(index, _)| FieldError {
            pointer: format!("/items/{index}/skill"),
            code: FieldCode::Duplicate,
        })
        .collect();
    if duplicates.is_empty() {
        Ok(skills)
    } else {
        Err(duplicates)
    }
}
