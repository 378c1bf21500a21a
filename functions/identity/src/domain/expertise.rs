//! What a person can do, and how well.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    SingleLine,
    body::{Int, BoundedVec},
    problem::{FieldCode, FieldError},
    reply::Versioned,
};

web::body! {
    /// A person's skills, all of them: what is not named is gone.
    pub struct ReplaceExpertise {
        /// One entry a skill.
        pub items: BoundedVec<SkillBody, 100>,
    }
    example { "items": [{ "skill": "heating", "level": 4, "years": 9 }] }
}

web::body! {
    /// One skill.
    pub struct SkillBody {
        /// What it is; kept in lower case, so that it is found however it is written.
        pub skill: SingleLine<1, 80>,
        /// From 1, learning, to 5, teaching others.
        pub level: Int<1, 5>,
        /// For how many years.
        pub years: Option<Int<0, 80>>,
        /// The paper that says so.
        pub certificate: Option<CertificateBody>,
    }
}

web::body! {
    /// A certificate.
    pub struct CertificateBody {
        /// What it is called.
        pub name: SingleLine<1, 200>,
        /// The last day on which it is good.
        pub valid_until: Option<NaiveDate>,
    }
}

/// A person's skills.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{ "skill": "heating", "level": 4, "years": 9, "certificate": { "name": "Meisterbrief", "valid_until": null } }],
    "next_cursor": null,
    "version": 3
}))]
pub(crate) struct Expertise {
    /// In alphabetical order.
    pub(crate) items: Vec<Skill>,
    /// Always null: the set is never longer than a page.
    #[schema(value_type = Option<String>)]
    pub(crate) next_cursor: Option<()>,
    /// The person's version; for `If-Match`.
    pub(crate) version: i32,
}

impl Versioned for Expertise {
    fn version(&self) -> i32 {
        self.version
    }
}

/// One skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name on the wire")]
pub(crate) struct Skill {
    /// What it is, in lower case.
    pub(crate) skill: String,
    /// From 1 to 5.
    pub(crate) level: i16,
    /// For how many years.
    pub(crate) years: Option<i16>,
    /// The paper that says so.
    pub(crate) certificate: Option<Certificate>,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Certificate {
    /// What it is called.
    pub(crate) name: String,
    /// The last day on which it is good.
    pub(crate) valid_until: Option<NaiveDate>,
}

impl ReplaceExpertise {
    /// The skills, each once.
    pub(crate) fn skills(self) -> Result<Vec<Skill>, Vec<FieldError>> {
        let skills: Vec<Skill> = self.items.0.into_iter().map(SkillBody::skill).collect();
        let mut seen = HashSet::new();
        let twice: Vec<FieldError> = skills
            .iter()
            .enumerate()
            .filter(|(_, skill)| !seen.insert(skill.skill.as_str()))
            .map(|(index, _)| FieldError {
                pointer: format!("/items/{index}/skill"),
                code: FieldCode::Duplicate,
            })
            .collect();
        if twice.is_empty() {
            Ok(skills)
        } else {
            Err(twice)
        }
    }
}

impl SkillBody {
    fn skill(self) -> Skill {
        Skill {
            skill: self.skill.as_str().to_lowercase(),
            level: small(self.level.get()),
            years: self.years.map(|years| small(years.get())),
            certificate: self.certificate.map(|certificate| Certificate {
                name: certificate.name.into_string(),
                valid_until: certificate.valid_until,
            }),
        }
    }
}

/// Levels and years are bounded by their types.
fn small(number: i32) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skills(json: &str) -> Result<Vec<Skill>, Vec<FieldError>> {
        web::json::parse::<ReplaceExpertise>(json.as_bytes())
            .unwrap()
            .skills()
    }

    #[test]
    fn a_skill_is_there_once_however_it_is_written() {
        let twice = skills(
            r#"{"items": [{"skill": "Heating", "level": 1}, {"skill": "HEATING", "level": 2}]}"#,
        );
        assert_eq!(twice.unwrap_err()[0].pointer, "/items/1/skill");
        let once = skills(r#"{"items": [{"skill": "Heating", "level": 1, "years": 80}]}"#).unwrap();
        assert_eq!(
            (once[0].skill.as_str(), once[0].years),
            ("heating", Some(80))
        );
        assert_eq!(skills(r#"{"items": []}"#), Ok(vec![]));
    }
}
