//! Agreeing on another licence: it takes the place of those whose time it takes, and says beforehand what that means.

use access::{Caller, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::Announcement;
use ids::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use web::{
    Fetched, IfMatch, PathIds, Problem, Texts, ValidJson, ValidQuery,
    body::{Change, Int},
    problem::{self, FieldCode, Result},
    reply::Versioned,
};

use super::{
    license::TenantLicense,
    licensing,
    overage::{self, LicenseEffect},
    update_features::past,
    update_tenant::announce_update,
    visit,
};
use crate::{
    App,
    domain::{
        distinct::Distinct,
        flags::{self, Flag, FlagState},
        license::{self, Content, License, LicenseType},
        mirror,
        terms::{UpdateLimits, Values},
    },
    events::FEATURE_CHANGED,
    permissions::LicenseUpdate,
    store::{
        flags as stored_flags, licenses,
        tenants::{self, TenantRow},
    },
};

web::body! {
    /// What is agreed from now on, or from a later time. What is not named stays as in the licence in force then, or in
    /// the last one.
    pub struct UpdateLicense {
        /// The plan. Another plan brings its own limits and values.
        pub plan: Change<LicenseType>,
        /// How many people it seats.
        pub seats: Change<Int<1, 1_000_000>>,
        /// The contexts in it; `null` for every one.
        pub features: Change<Option<Distinct<Flag, 0, 50>>>,
        /// Metered limits.
        pub limits: Change<UpdateLimits>,
        /// What simply holds, all of it: numbers and texts.
        pub values: Change<Values>,
        /// From when, not in the past; from now on unless named.
        pub valid_from: Option<DateTime<Utc>>,
        /// Until before when; `null` for ever. Licences that would begin before that are withdrawn.
        pub valid_to: Change<Option<DateTime<Utc>>>,
    }
    example { "seats": 40, "features": ["support", "files", "ai"], "limits": { "llm_tokens": { "limit": 5_000_000, "enforcement": "soft" } } }
}

impl UpdateLicense {
    fn apply(self, base: Option<&License>, row: &TenantRow) -> Content {
        let base = base.map_or_else(
            || Content::of_plan(row.license_type, row.max_users.max(1)),
            |license| license.content.clone(),
        );
        let plan = self.plan.or(base.plan);
        let mut content = base.under(plan);
        content.seats = self.seats.set().map_or(content.seats, Int::get);
        if let Some(features) = self.features.set() {
            content.features = features.map(|Distinct(mut flags)| {
                flags.sort();
                flags
            });
        }
        if let Some(values) = self.values.set() {
            content.set_values(values.0);
        }
        if let Some(limits) = self.limits.set() {
            limits.apply(&mut content);
        }
        content
    }
}

/// Whether to look before leaping.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct UpdateLicenseQuery {
    /// `true` only says what would come of it, and changes nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    dry_run: bool,
}

/// What came of it, or would.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LicenseChange {
    /// How the tenant is licensed then.
    #[serde(flatten)]
    pub license: TenantLicense,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// What the new licence means from its beginning on.
    pub effect: LicenseEffect,
}

impl Versioned for LicenseChange {
    fn version(&self) -> i32 {
        self.license.version
    }
}

/// Agrees on another licence with a tenant. Only the platform's staff may.
///
/// The one in force ends where the new one begins; none is ever edited. A smaller one deletes nobody and nothing: the answer
/// says who and what is too much, and nothing can be added until that is mended.
#[utoipa::path(put, path = "/tenants/{id}/license", responses((status = 200, description = "How the tenant is licensed now, and what that means.", body = LicenseChange)))]
pub async fn update_license(
    State(app): State<App>,
    caller: Caller<LicenseUpdate>,
    PathIds(id): PathIds<TenantId>,
    ValidQuery(query): ValidQuery<UpdateLicenseQuery>,
    if_match: IfMatch,
    ValidJson { value: body, .. }: ValidJson<UpdateLicense>,
) -> Result<Fetched<LicenseChange>> {
    let now = app.gate.clock().now();
    let mut tx = visit::begin(&app, &caller, id).await?;
    let mut row = tenants::lock(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(row.version)?;
    let before = licenses::list(&mut tx).await?;
    let new = drafted(body, &before, &row, now)?;
    let from = new.valid_from;
    let mut after = before.clone();
    license::supersede(&mut after, new.clone());
    let effect = overage::effect(&mut tx, &row, (&before, &after), from, now).await?;
    if query.dry_run {
        visit::note_reading(&mut tx, &caller, id, "license", now).await?;
    } else if !is_said_already(&before, &new) {
        row.version += 1;
        row.updated_at = now;
        put_in_place(&mut tx, &caller, &mut row, before.clone(), new, now).await?;
    } else {
        after = before;
    }
    tx.commit().await?;
    app.gate.forget_tenant(id).await;
    Ok(Fetched(LicenseChange {
        license: TenantLicense::of(&after, row.version, now),
        dry_run: query.dry_run,
        effect,
    }))
}

/// The licence that is asked for.
fn drafted(
    body: UpdateLicense,
    present: &[License],
    row: &TenantRow,
    now: DateTime<Utc>,
) -> Result<License> {
    let from = body.valid_from.unwrap_or(now);
    if from < now {
        return Err(Problem::field("/valid_from", past()));
    }
    let to = match &body.valid_to {
        Change::Set(end) => *end,
        Change::Keep => license::usual_end(present, from),
    };
    if to.is_some_and(|to| to <= from) {
        let texts = Texts {
            de: "muss nach valid_from liegen",
            en: "must be after valid_from",
        };
        let code = FieldCode::Rule("not_after_beginning", texts);
        return Err(Problem::field("/valid_to", code));
    }
    let content = body.apply(license::predecessor(present, from), row);
    Ok(licensing::agree(content, from, to, now))
}

/// Whether the licence says nothing new.
fn is_said_already(present: &[License], new: &License) -> bool {
    license::in_force(present, new.valid_from)
        .is_some_and(|base| base.content == new.content && base.valid_to == new.valid_to)
}

async fn put_in_place(
    tx: &mut TenantTx,
    caller: &Caller<LicenseUpdate>,
    row: &mut TenantRow,
    mut present: Vec<License>,
    new: License,
    now: DateTime<Utc>,
) -> Result<()> {
    let states = flags::complete(&stored_flags::list(tx).await?);
    let on_before = on(&states, &present, row, now);
    let base = license::predecessor(&present, new.valid_from).cloned();
    let entry = differences(row.id, base.as_ref(), &new);
    licensing::supersede(tx, &mut present, new).await?;
    licensing::mirror(tx, row, now).await?;
    tenants::update(tx, row).await?;
    let fields: Vec<String> = entry
        .changed()
        .iter()
        .map(|field| format!("license.{field}"))
        .collect();
    announce_update(tx, caller, row, &fields).await?;
    let on_after = on(&states, &present, row, now);
    let mut switched = on_after;
    switched.retain(|flag, now| on_before.get(flag) != Some(now));
    if !switched.is_empty() {
        let announcement = Announcement {
            kind: &FEATURE_CHANGED,
            subject: format!("tenant/{}", row.id),
            version: row.version.into(),
            data: json!({"tenant_id": row.id, "changed": switched}),
            sealed: None,
        };
        events::announce(tx, caller.request(), now, announcement).await?;
    }
    let reason = caller.reason.as_deref();
    audit::record(tx, caller.request(), now, reason, entry).await?;
    Ok(())
}

/// Which flags are on at `now`.
fn on(
    states: &[FlagState],
    licenses: &[License],
    row: &TenantRow,
    now: DateTime<Utc>,
) -> Map<String, Value> {
    let by_license = mirror::licensed(licenses, row.license_type, now);
    let is_on = |state: &FlagState| state.is_on(row.id, by_license, now).into();
    states
        .iter()
        .map(|state| (state.flag.to_string(), is_on(state)))
        .collect()
}

/// What the log says of a licence.
type Told = fn(&License) -> Value;

/// What is agreed now and was not before, for the log.
fn differences(id: TenantId, old: Option<&License>, new: &License) -> audit::Entry {
    let of = |license: Option<&License>, what: Told| license.map(what);
    let fields: [(&str, Told); 7] = [
        ("plan", |l| json!(l.content.plan)),
        ("seats", |l| json!(l.content.seats)),
        ("features", |l| json!(l.content.features)),
        ("limits", |l| json!(l.content.limits)),
        ("soft_limits", |l| json!(l.content.soft)),
        ("valid_from", |l| json!(l.valid_from)),
        ("valid_to", |l| json!(l.valid_to)),
    ];
    let entry = audit::Entry::new("tenancy.license.updated", "license", id);
    fields.into_iter().fold(entry, |entry, (name, what)| {
        entry.change(name, of(old, what), of(Some(new), what))
    })
}
