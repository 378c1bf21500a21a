//! Skills of users.

use access::{Caller, audit};
use axum::extract::State;
use chrono::NaiveDate;
use events::UnitOfWork;
use ids::UserId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{
    Fetched, IfMatch, PathIds, Problem, SingleLine, ValidJson,
    body::{BoundedVec, Int},
    problem::{self, FieldError, Result},
    reply::Versioned,
};

use crate::{
    App,
    domain::expertise::{Certificate, Skill, check_unique},
    events::UserUpdated,
    permissions::{ExpertiseRead, ExpertiseUpdate},
    store::{expertise, users},
};

web::body! {
    /// All skills of a user; skills that are not listed are removed.
    pub struct ReplaceExpertise {
        /// The skills, each at most once.
        pub items: BoundedVec<SkillBody, 100>,
    }
    example { "items": [{ "skill": "heating", "level": 4, "years": 9 }] }
}

web::body! {
    /// A skill.
    pub struct SkillBody {
        /// Name of the skill; stored in lower case.
        pub skill: SingleLine<1, 80>,
        /// Level from 1 (learning) to 5 (teaching others).
        pub level: Int<1, 5>,
        /// Years of experience.
        pub years: Option<Int<0, 80>>,
        /// Certificate for the skill.
        pub certificate: Option<CertificateBody>,
    }
}

web::body! {
    /// A certificate.
    pub struct CertificateBody {
        /// Name of the certificate.
        pub name: SingleLine<1, 200>,
        /// Last day of validity; omit it if the certificate does not expire.
        pub valid_until: Option<NaiveDate>,
    }
}

/// The skills of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{ "skill": "heating", "level": 4, "years": 9, "certificate": { "name": "Meisterbrief", "valid_until": null } }],
    "next_cursor": null,
    "version": 3
}))]
pub(crate) struct Expertise {
    /// The skills, in alphabetical order.
    items: Vec<SkillView>,
    /// Always null: the list fits on one page.
    #[schema(value_type = Option<String>)]
    next_cursor: Option<()>,
    /// Version of the user, for `If-Match`.
    version: i32,
}

impl Versioned for Expertise {
    fn version(&self) -> i32 {
        self.version
    }
}

impl Expertise {
    fn new(skills: Vec<Skill>, version: i32) -> Self {
        Self {
            items: skills.into_iter().map(SkillView::from).collect(),
            next_cursor: None,
            version,
        }
    }
}

/// A skill.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Skill)]
pub(crate) struct SkillView {
    /// Name of the skill, in lower case.
    skill: String,
    /// Level from 1 (learning) to 5 (teaching others).
    level: i16,
    /// Years of experience; null if unknown.
    years: Option<i16>,
    /// Certificate for the skill; null if none.
    certificate: Option<CertificateView>,
}

/// A certificate.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Certificate)]
pub(crate) struct CertificateView {
    /// Name of the certificate.
    name: String,
    /// Last day of validity; null if the certificate does not expire.
    valid_until: Option<NaiveDate>,
}

impl ReplaceExpertise {
    /// The skills, or an error for each one that is listed twice.
    fn into_skills(self) -> Result<Vec<Skill>, Vec<FieldError>> {
        check_unique(
            self.items
                .0
                .into_iter()
                .map(SkillBody::into_skill)
                .collect(),
        )
    }
}

impl From<Skill> for SkillView {
    fn from(skill: Skill) -> Self {
        Self {
            skill: skill.skill,
            level: skill.level,
            years: skill.years,
            certificate: skill.certificate.map(|certificate| CertificateView {
                name: certificate.name,
                valid_until: certificate.valid_until,
            }),
        }
    }
}

impl SkillBody {
    fn into_skill(self) -> Skill {
        Skill {
            skill: self.skill.as_str().to_lowercase(),
            level: to_i16(self.level.get()),
            years: self.years.map(|years| to_i16(years.get())),
            certificate: self.certificate.map(|certificate| Certificate {
                name: certificate.name.into_string(),
                valid_until: certificate.valid_until,
            }),
        }
    }
}

/// Levels and years are bounded by their types, so the conversion cannot fail.
fn to_i16(number: i32) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

/// Get a user's skills
///
/// Returns all skills of the user, with levels, years of experience and certificates.
#[utoipa::path(get, path = "/users/{id}/expertise", responses((status = 200, body = Expertise, description = "The user's skills.")))]
pub(crate) async fn get_expertise(
    State(app): State<App>,
    caller: Caller<ExpertiseRead>,
    PathIds(id): PathIds<UserId>,
) -> Result<Fetched<Expertise>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let user = users::find_user(&mut unit, caller.reach(), id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let items = expertise::list_expertise(&mut unit, caller.reach(), id).await?;
    unit.commit().await?;
    Ok(Fetched(Expertise::new(items, user.version)))
}

/// Replace a user's skills
///
/// Replaces the whole list; skills that are not in the request are removed.
#[utoipa::path(put, path = "/users/{id}/expertise", responses((status = 200, body = Expertise, description = "The updated skills.")))]
pub(crate) async fn replace_expertise(
    State(app): State<App>,
    caller: Caller<ExpertiseUpdate>,
    PathIds(id): PathIds<UserId>,
    if_match: IfMatch,
    body: ValidJson<ReplaceExpertise>,
) -> Result<Fetched<Expertise>> {
    let skills = body.value.into_skills().map_err(Problem::invalid)?;
    let reach = caller.reach();
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    users::lock_user(&mut unit, reach, id).await?;
    let user = users::find_user(&mut unit, reach, id, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(user.version)?;
    let before = expertise::list_expertise(&mut unit, reach, id).await?;
    expertise::replace_expertise(&mut unit, reach, id, &skills).await?;
    let items = expertise::list_expertise(&mut unit, reach, id).await?;
    if items == before {
        unit.commit_unchanged().await?;
        return Ok(Fetched(Expertise::new(items, user.version)));
    }
    let version = users::touch_user(&mut unit, reach, id).await?;
    let version = version.unwrap_or(user.version);
    let event = UserUpdated {
        user_id: id,
        fields: vec!["expertise".to_owned()],
    };
    unit.publish(version, event).await?;
    let entry = audit::Entry::new("identity.expertise.replaced", "user", id).change(
        "skills",
        json!(before),
        json!(items),
    );
    unit.audit(entry).await?;
    unit.commit().await?;
    Ok(Fetched(Expertise::new(items, version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skills(json: &str) -> Result<Vec<Skill>, Vec<FieldError>> {
        web::json::parse::<ReplaceExpertise>(json.as_bytes())
            .unwrap()
            .into_skills()
    }

    #[test]
    fn skills_are_unique_regardless_of_case() {
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
