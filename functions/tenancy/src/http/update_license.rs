//! Agrees on a new licence, which supersedes others for its period, and previews the effect.

use std::collections::BTreeMap;

use access::{Caller, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use ids::TenantId;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{
    Fetched, IfMatch, Localized, PathIds, Problem, ValidJson, ValidQuery,
    body::{Change, Int},
    problem::{self, FieldCode, Result},
    reply::Versioned,
};

use super::{
    fields::UniqueVec,
    license::TenantLicense,
    license_limits::{UpdateLimits, Values},
    overage::{self, LicenseEffect},
    tenant_scope,
};
use crate::{
    App,
    domain::{
        flags::{self, Flag, FlagState},
        license::{self, License, LicenseTerms},
        license_type::LicenseType,
        projection,
    },
    error,
    events::{FeatureChanged, TenantUpdated},
    licensing,
    permissions::LicenseUpdate,
    store::{
        flags as stored_flags, licenses,
        tenants::{self, TenantRow},
    },
};

web::body! {
    /// The new licence. Fields that are not included are taken from the licence in force at `valid_from`, or from the
    /// last one.
    pub struct UpdateLicense {
        /// The plan. A different plan brings its own limits and values.
        pub plan: Change<LicenseType>,
        /// The number of seats.
        pub seats: Change<Int<1, 1_000_000>>,
        /// The included features. `null` means all.
        pub features: Change<Option<UniqueVec<Flag, 0, 50>>>,
        /// The metered limits to change.
        pub limits: Change<UpdateLimits>,
        /// All static values: numbers and texts.
        pub values: Change<Values>,
        /// When the licence takes effect. Must not be in the past. Defaults to now.
        pub valid_from: Option<DateTime<Utc>>,
        /// When the licence ends (exclusive). `null` means never. Licences that would begin earlier are withdrawn.
        pub valid_to: Change<Option<DateTime<Utc>>>,
    }
    example { "seats": 40, "features": ["support", "files", "ai"], "limits": { "llm_tokens": { "limit": 5_000_000, "enforcement": "soft" } } }
}

impl UpdateLicense {
    fn apply(self, base: Option<&License>, row: &TenantRow) -> LicenseTerms {
        let base = base.map_or_else(
            || LicenseTerms::of_plan(row.license_type, row.max_users.max(1)),
            |license| license.terms.clone(),
        );
        let plan = self.plan.or(base.plan);
        let mut terms = base.with_plan(plan);
        terms.seats = self.seats.set().map_or(terms.seats, Int::get);
        if let Some(features) = self.features.set() {
            terms.features = features.map(|UniqueVec(mut flags)| {
                flags.sort();
                flags
            });
        }
        if let Some(values) = self.values.set() {
            terms.set_values(values.0);
        }
        if let Some(limits) = self.limits.set() {
            limits.apply(&mut terms);
        }
        terms
    }
}

web::query! {
    /// Options of the update.
    pub(crate) struct UpdateLicenseQuery {
        /// If `true`, the effect is returned and nothing is changed.
        dry_run: Option<bool>,
    }
}

/// The licences of a tenant, and the effect of the new one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LicenseChange {
    /// The licences after the change.
    #[serde(flatten)]
    pub(crate) license: TenantLicense,
    /// Whether this was a dry run that changed nothing.
    pub(crate) dry_run: bool,
    /// The effect of the new licence once it is in force.
    pub(crate) effect: LicenseEffect,
}

impl Versioned for LicenseChange {
    fn version(&self) -> i32 {
        self.license.version
    }
}

/// Update the licence of a tenant
///
/// Agrees on a new licence. The current one ends where the new one begins; licences are never edited. A smaller licence
/// deletes nothing: the response lists what exceeds it, and nothing can be added until usage is back within the limits.
/// Platform staff only.
#[utoipa::path(put, path = "/tenants/{id}/license", responses((status = 200, description = "The licences of the tenant, and the effect of the new one.", body = LicenseChange)))]
pub(crate) async fn update_license(
    State(app): State<App>,
    caller: Caller<LicenseUpdate>,
    PathIds(id): PathIds<TenantId>,
    ValidQuery(query): ValidQuery<UpdateLicenseQuery>,
    if_match: IfMatch,
    ValidJson { value: body, .. }: ValidJson<UpdateLicense>,
) -> Result<Fetched<LicenseChange>> {
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    let mut row = tenants::lock_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    let now = unit.now();
    let before = licenses::list_licenses(&mut unit).await?;
    let new = draft_license(body, &before, &row, now)?;
    let from = new.valid_from;
    let mut after = before.clone();
    license::supersede(&mut after, new.clone());
    let effect = overage::effect(&mut unit, &row, &before, &after, from).await?;
    if query.dry_run == Some(true) {
        tenant_scope::audit_staff_read(&mut unit, &caller, "license").await?;
        unit.commit_unchanged().await?;
    } else if is_unchanged(&before, &new) {
        after = before;
        unit.commit_unchanged().await?;
    } else {
        row.version += 1;
        row.updated_at = now;
        put_into_force(&mut unit, &mut row, before, new).await?;
        unit.commit().await?;
    }
    app.state.authenticator().invalidate_tenant(id).await;
    Ok(Fetched(LicenseChange {
        license: TenantLicense::of(&after, row.version, now),
        dry_run: (query.dry_run == Some(true)),
        effect,
    }))
}

/// The licence that the request describes.
fn draft_license(
    body: UpdateLicense,
    present: &[License],
    row: &TenantRow,
    now: DateTime<Utc>,
) -> Result<License> {
    let from = body.valid_from.unwrap_or(now);
    if from < now {
        return Err(Problem::field("/valid_from", error::in_the_past()));
    }
    let to = match &body.valid_to {
        Change::Set(end) => *end,
        Change::Keep => license::default_end(present, from),
    };
    if to.is_some_and(|to| to <= from) {
        let texts = Localized {
            de: "muss nach valid_from liegen",
            en: "must be after valid_from",
        };
        let code = FieldCode::Rule("not_after_beginning", texts);
        return Err(Problem::field("/valid_to", code));
    }
    let terms = body.apply(license::predecessor(present, from), row);
    Ok(licensing::new_license(terms, from, to, now))
}

/// Whether the licence equals the one in force.
fn is_unchanged(present: &[License], new: &License) -> bool {
    license::in_force(present, new.valid_from)
        .is_some_and(|base| base.terms == new.terms && base.valid_to == new.valid_to)
}

async fn put_into_force(
    unit: &mut UnitOfWork,
    row: &mut TenantRow,
    mut present: Vec<License>,
    new: License,
) -> Result<()> {
    let now = unit.now();
    let states = flags::with_defaults(&stored_flags::list_flags(unit).await?);
    let on_before = on(&states, &present, row, now);
    let base = license::predecessor(&present, new.valid_from).cloned();
    let entry = differences(row.id, base.as_ref(), &new);
    licensing::supersede(unit, &mut present, new).await?;
    licensing::update_projection(unit, row).await?;
    tenants::update_tenant(unit, row).await?;
    let event = TenantUpdated {
        tenant_id: row.id,
        changed: entry
            .changed()
            .iter()
            .map(|field| format!("license.{field}"))
            .collect(),
    };
    unit.publish(row.version, event).await?;
    let mut switched = on(&states, &present, row, now);
    switched.retain(|flag, now| on_before.get(flag) != Some(now));
    if !switched.is_empty() {
        let event = FeatureChanged {
            tenant_id: row.id,
            changed: switched,
        };
        unit.publish(row.version, event).await?;
    }
    unit.audit(entry).await?;
    Ok(())
}

/// Which flags are on at `now`.
fn on(
    states: &[FlagState],
    licenses: &[License],
    row: &TenantRow,
    now: DateTime<Utc>,
) -> BTreeMap<String, bool> {
    let by_license = projection::licensed_features(licenses, row.license_type, now);
    let is_on = |state: &FlagState| state.is_on(row.id, by_license, now);
    states
        .iter()
        .map(|state| (state.flag.to_string(), is_on(state)))
        .collect()
}

/// A field of a licence for the audit log.
type AuditValue = fn(&License) -> Value;

/// The changed fields, for the audit log.
fn differences(id: TenantId, old: Option<&License>, new: &License) -> audit::Entry {
    let of = |license: Option<&License>, what: AuditValue| license.map(what);
    let fields: [(&str, AuditValue); 7] = [
        ("plan", |l| json!(l.terms.plan)),
        ("seats", |l| json!(l.terms.seats)),
        ("features", |l| json!(l.terms.features)),
        ("limits", |l| json!(l.terms.limits)),
        ("soft_limits", |l| json!(l.terms.soft)),
        ("valid_from", |l| json!(l.valid_from)),
        ("valid_to", |l| json!(l.valid_to)),
    ];
    let entry = audit::Entry::new("tenancy.license.updated", "license", id);
    fields.into_iter().fold(entry, |entry, (name, what)| {
        entry.change(name, of(old, what), of(Some(new), what))
    })
}
