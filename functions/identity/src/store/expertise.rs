//! Skills of users.

use access::Reach;
use chrono::NaiveDate;
use db::{Result, TenantTx};
use ids::UserId;

use super::owner_filter;
use crate::domain::expertise::{Certificate, Skill};

/// Returns a user's skills in alphabetical order.
pub(crate) async fn list_expertise(
    tx: &mut TenantTx,
    reach: Reach,
    user: UserId,
) -> Result<Vec<Skill>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "select skill, level, years, certificate_name, certificate_valid_until
        from identity.expertise
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or user_id = $3)
        order by skill",
        tenant as _,
        user as _,
        owner_filter(reach) as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Skill {
            skill: row.skill,
            level: row.level,
            years: row.years,
            certificate: row.certificate_name.map(|name| Certificate {
                name,
                valid_until: row.certificate_valid_until,
            }),
        })
        .collect())
}

/// Replaces a user's skills. The caller has locked the user within reach.
pub(crate) async fn replace_expertise(
    tx: &mut TenantTx,
    reach: Reach,
    user: UserId,
    skills: &[Skill],
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from identity.expertise
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or user_id = $3)",
        tenant as _,
        user as _,
        owner_filter(reach) as _,
    )
    .execute(tx.conn())
    .await?;
    let names: Vec<&str> = skills.iter().map(|skill| skill.skill.as_str()).collect();
    let levels: Vec<i16> = skills.iter().map(|skill| skill.level).collect();
    let years: Vec<Option<i16>> = skills.iter().map(|skill| skill.years).collect();
    let certificates: Vec<Option<&str>> = skills
        .iter()
        .map(|skill| {
            skill
                .certificate
                .as_ref()
                .map(|certificate| certificate.name.as_str())
        })
        .collect();
    let valid_until: Vec<Option<NaiveDate>> = skills
        .iter()
        .map(|skill| {
            skill
                .certificate
                .as_ref()
                .and_then(|certificate| certificate.valid_until)
        })
        .collect();
    sqlx::query!(
        "insert into identity.expertise (tenant_id, user_id, skill, level, years, certificate_name, certificate_valid_until)
        select $1, $2, s.skill, s.level, s.years, s.certificate_name, s.valid_until
        from unnest($3::text[], $4::int2[], $5::int2[], $6::text[], $7::date[])
            s (skill, level, years, certificate_name, valid_until)",
        tenant as _,
        user as _,
        &names as _,
        &levels,
        &years as _,
        &certificates as _,
        &valid_until as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
