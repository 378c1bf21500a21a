//! Bringing people along from another system.
//!
//! A portion is one transaction: whatever ends the request leaves whole portions, and the same file sent again goes on where
//! it was, because the mail address says who is there.

use std::collections::{HashMap, HashSet};

use access::{Caller, audit};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::Announcement;
use http::HeaderMap;
use ids::EventId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use web::{
    SingleLine, ValidQuery,
    import::{Report, Rows, Tally},
    problem::{self, FieldCode, FieldError, Result},
};

use super::rules;
use crate::{
    App,
    domain::{
        import::{
            Defaults, ERASED, ImportUser, ImportedUser, NO_SEAT, OTHER_ROLE, TOO_POWERFUL, TWICE,
            refused,
        },
        status::UserStatus,
    },
    events::USERS_IMPORTED,
    http::links::one_time_link,
    permissions::UserImport,
    store::{
        import,
        roles::{self, RoleRow},
        seats,
    },
};

/// Rows of one transaction. It keeps others from adding people, who wait for a second at most.
const PORTION: usize = 500;

/// How.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    /// Change nothing, and answer what would become of each row.
    #[serde(default)]
    dry_run: bool,
    /// Send an invitation to everybody who is new and `invited`; without it nobody gets a mail.
    #[serde(default)]
    invite: bool,
}

/// Import people: at most 2,000 in a request, as CSV, JSON or NDJSON.
///
/// The mail address tells whether somebody is here already: names, telephone number, language and time zone then become those
/// of the row, everything else stays. A second import of the same file changes nothing, and one that was cut off goes on. A row
/// that is wrong, or for which the licence has no seat, is refused alone. `Accept: text/plain` answers a page to read.
#[utoipa::path(post, path = "/users/import", responses(
    (status = 200, description = "What became of the rows.", content((Report = "application/json"), (String = "text/plain")))
))]
pub(crate) async fn import_users(
    State(app): State<App>,
    caller: Caller<UserImport>,
    ValidQuery(query): ValidQuery<ImportQuery>,
    headers: HeaderMap,
    rows: Rows<ImportUser>,
) -> Result<Response> {
    let mut tally = Tally::default();
    let mut right = Vec::with_capacity(rows.0.len());
    let mut seen = HashSet::new();
    for row in rows.0 {
        match row.read {
            Ok(read) if seen.insert(read.email.as_str().to_owned()) => right.push((row.line, read)),
            Ok(_) => tally.refuse(row.line, refused("/email", TWICE)),
            Err(errors) => tally.refuse(row.line, errors),
        }
    }
    let mut promised = 0;
    let mut right = right.into_iter().peekable();
    while right.peek().is_some() {
        let portion: Vec<_> = right.by_ref().take(PORTION).collect();
        let mut tx = caller.begin(&app.db).await?;
        tx.force_custom_plans().await?;
        let plan = Plan::of(&mut tx, &caller, portion, promised, app.state.clock().now()).await?;
        if query.dry_run {
            // Never committed. Who would be new there takes a seat here.
            promised += plan.seats;
        } else {
            write(&app, &mut tx, &caller, &plan, query.invite).await?;
            tx.commit().await?;
        }
        plan.count(&mut tally);
    }
    let language = caller.request().language();
    Ok(tally
        .report("people", query.dry_run, language)
        .answer(&headers, language))
}

/// What becomes of a portion.
struct Plan {
    now: DateTime<Utc>,
    created: Vec<ImportedUser>,
    /// After, and the names of the fields that are others then.
    updated: Vec<(ImportedUser, Vec<&'static str>)>,
    unchanged: usize,
    refused: Vec<(u64, Vec<FieldError>)>,
    /// Seats that the new people take.
    seats: i64,
}

impl Plan {
    /// Decides, under the lock that makes seats and addresses exact.
    async fn of(
        tx: &mut TenantTx,
        caller: &Caller<UserImport>,
        portion: Vec<(u64, ImportUser)>,
        promised: i64,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        seats::lock_people(tx).await?;
        let roles = roles::list_roles(tx).await?;
        let seats = seats::count_seats(tx, now)
            .await?
            .ok_or(&problem::NOT_FOUND)?;
        let free = i64::from(seats.max_users) - seats.taken - promised;
        let emails: Vec<String> = portion
            .iter()
            .map(|(_, row)| row.email.as_str().to_owned())
            .collect();
        let known = import::lock_known(tx, &emails).await?;
        let known: HashMap<&str, &ImportedUser> = known
            .iter()
            .map(|person| (person.email.as_str(), person))
            .collect();
        let mut plan = Self {
            now,
            created: Vec::new(),
            updated: Vec::new(),
            unchanged: 0,
            refused: Vec::new(),
            seats: 0,
        };
        for (line, row) in portion {
            let decided = match known.get(row.email.as_str()) {
                Some(before) => plan.merge(caller, &roles, row, before),
                None => plan.add(caller, &roles, row, free),
            };
            if let Err(errors) = decided {
                plan.refused.push((line, errors));
            }
        }
        Ok(plan)
    }

    fn merge(
        &mut self,
        caller: &Caller<UserImport>,
        roles: &[RoleRow],
        row: ImportUser,
        before: &ImportedUser,
    ) -> Result<(), Vec<FieldError>> {
        if before.status == UserStatus::Erased {
            return Err(refused("/email", ERASED));
        }
        let role = roles.iter().find(|role| role.id == before.role_id);
        if let Some(wanted) = &row.role
            && role.is_none_or(|role| role.name != wanted.as_str())
        {
            return Err(refused("/role", OTHER_ROLE));
        }
        let after = row.merged(before);
        let changed = after.changed(before);
        if changed.is_empty() {
            self.unchanged += 1;
        } else if role.is_some_and(|role| rules::check_authority(caller, role).is_ok()) {
            self.updated.push((after, changed));
        } else {
            return Err(refused("/email", TOO_POWERFUL));
        }
        Ok(())
    }

    fn add(
        &mut self,
        caller: &Caller<UserImport>,
        roles: &[RoleRow],
        row: ImportUser,
        free: i64,
    ) -> Result<(), Vec<FieldError>> {
        let wanted = row.role.as_ref().map_or("customer", SingleLine::as_str);
        let Some(role) = roles.iter().find(|role| role.name == wanted) else {
            let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
            return Err(refused("/role", FieldCode::NotOneOf(names.join(", "))));
        };
        if rules::check_authority(caller, role).is_err() {
            return Err(refused("/role", TOO_POWERFUL));
        }
        let person = row.newcomer(Defaults {
            role: role.id,
            locale: &caller.tenant.locale,
            time_zone: &caller.tenant.time_zone,
            now: self.now,
        })?;
        if person.status.takes_seat() {
            if self.seats >= free {
                return Err(refused("/email", NO_SEAT));
            }
            self.seats += 1;
        }
        self.created.push(person);
        Ok(())
    }

    fn count(self, tally: &mut Tally) {
        tally.created += self.created.len();
        tally.updated += self.updated.len();
        tally.unchanged += self.unchanged;
        for (line, errors) in self.refused {
            tally.refuse(line, errors);
        }
    }
}

/// Writes a portion, with its entries in the audit log, its invitations, and one announcement for all.
async fn write(
    app: &App,
    tx: &mut TenantTx,
    caller: &Caller<UserImport>,
    plan: &Plan,
    invite: bool,
) -> Result<()> {
    if plan.created.is_empty() && plan.updated.is_empty() {
        return Ok(());
    }
    let (now, request) = (plan.now, caller.request());
    let updated: Vec<ImportedUser> = plan
        .updated
        .iter()
        .map(|(after, _)| after.clone())
        .collect();
    import::insert_users(tx, &plan.created, now).await?;
    import::update_users(tx, &updated, now).await?;
    let new = plan.created.iter().map(|person| {
        audit::Entry::new("identity.user.imported", "user", person.user_id)
            .change("email", Value::Null, access::mask::email(&person.email))
            .change("status", Value::Null, person.status.as_str())
    });
    let changed = plan.updated.iter().map(|(person, fields)| {
        audit::Entry::new("identity.user.imported", "user", person.user_id).change(
            "fields",
            Value::Null,
            fields.clone(),
        )
    });
    let entries = new.chain(changed).collect();
    audit::record_all(tx, request, now, caller.reason.as_deref(), entries).await?;
    if invite {
        let invited = |person: &&ImportedUser| person.status == UserStatus::Invited;
        for person in plan.created.iter().filter(invited) {
            one_time_link::invite(app, tx, request, (person.user_id, 1), now).await?;
        }
    }
    let ids = |people: &[ImportedUser]| {
        people
            .iter()
            .map(|one| json!(one.user_id))
            .collect::<Value>()
    };
    let announcement = Announcement {
        kind: &USERS_IMPORTED,
        subject: format!("imports/{}", EventId::at(now)),
        version: 1,
        data: json!({"created": ids(&plan.created), "updated": ids(&updated)}),
        sealed: None,
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}
