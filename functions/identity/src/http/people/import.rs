//! Imports users from another system.
//!
//! Rows are written in batches of one transaction each. If a request is interrupted, complete batches remain, and sending the same
//! file again continues the import, because users are matched by email address.

mod row;

use std::collections::{HashMap, HashSet};

use access::{Caller, audit};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::UnitOfWork;
use http::HeaderMap;
use serde_json::Value;
use web::{
    SingleLine, ValidQuery,
    import::{Report, Rows, Tally},
    problem::{self, FieldCode, FieldError, Result},
};

use self::row::ImportUser;
use super::rules;
use crate::{
    App,
    domain::{
        import::{
            DISABLED, DUPLICATE_ROW, Defaults, ERASED, ImportedUser, NO_SEAT, OTHER_ROLE,
            ROLE_TOO_POWERFUL, field_error,
        },
        status::UserStatus,
    },
    events::{ImportId, UsersImported},
    http::links::one_time_link,
    permissions::UserImport,
    store::{
        import,
        roles::{self, RoleRow},
        seats,
    },
};

/// Rows per transaction. The transaction blocks other requests that add users, for one second at most.
const BATCH_SIZE: usize = 500;

web::query! {
    /// Query parameters.
    pub(crate) struct ImportQuery {
        /// Validate only: change nothing, and report what would happen to each row.
        dry_run: Option<bool>,
        /// Send an invitation to every new user with status `invited`. By default no emails are sent.
        invite: Option<bool>,
    }
}

/// Import users
///
/// Takes at most 2,000 rows per request, as CSV, JSON or NDJSON. Users are matched by email address: for existing users, names, phone
/// number, language and time zone are updated and everything else is kept. Importing a file twice changes nothing, and an interrupted
/// import can be continued by sending it again. Invalid rows, and rows for which the licence has no seat, are refused individually.
/// `Accept: text/plain` returns a readable report.
#[utoipa::path(post, path = "/users/import", responses(
    (status = 200, description = "The result of the import, with all refused rows.", content((Report = "application/json"), (String = "text/plain")))
))]
pub(crate) async fn import_users(
    State(app): State<App>,
    caller: Caller<UserImport>,
    ValidQuery(query): ValidQuery<ImportQuery>,
    headers: HeaderMap,
    rows: Rows<ImportUser>,
) -> Result<Response> {
    let dry_run = query.dry_run == Some(true);
    let mut tally = Tally::default();
    let mut valid = Vec::with_capacity(rows.0.len());
    let mut seen = HashSet::new();
    for row in rows.0 {
        match row.read {
            Ok(read) if seen.insert(read.email.as_str().to_owned()) => valid.push((row.line, read)),
            Ok(_) => tally.refuse(row.line, field_error("/email", DUPLICATE_ROW)),
            Err(errors) => tally.refuse(row.line, errors),
        }
    }
    let mut reserved_seats = 0;
    let mut valid = valid.into_iter().peekable();
    while valid.peek().is_some() {
        let batch: Vec<_> = valid.by_ref().take(BATCH_SIZE).collect();
        let mut unit = UnitOfWork::begin(&app, &caller).await?;
        unit.force_custom_plans().await?;
        let plan = Plan::build(&mut unit, &caller, batch, reserved_seats).await?;
        if dry_run {
            // A dry run is never committed, so count the seats that its new users would take.
            reserved_seats += plan.seats;
            unit.rollback();
        } else if plan.created.is_empty() && plan.updated.is_empty() {
            unit.commit_unchanged().await?;
        } else {
            apply_plan(&app, &mut unit, &plan, query.invite == Some(true)).await?;
            unit.commit().await?;
        }
        plan.add_to_tally(&mut tally);
    }
    let language = caller.request().language();
    Ok(tally
        .report("people", dry_run, language)
        .into_response_for(&headers, language))
}

/// The planned result of a batch.
struct Plan {
    now: DateTime<Utc>,
    created: Vec<ImportedUser>,
    /// The users after the update, with the names of the changed fields.
    updated: Vec<(ImportedUser, Vec<&'static str>)>,
    unchanged: usize,
    refused: Vec<(u64, Vec<FieldError>)>,
    /// Seats that the new users take.
    seats: i64,
}

impl Plan {
    /// Plans the batch under the lock that makes the check of seats and email addresses exact.
    async fn build(
        tx: &mut TenantTx,
        caller: &Caller<UserImport>,
        batch: Vec<(u64, ImportUser)>,
        reserved_seats: i64,
    ) -> Result<Self> {
        seats::lock_people(tx).await?;
        let roles = roles::list_roles(tx).await?;
        let seats = seats::count_seats(tx).await?.ok_or(&problem::NOT_FOUND)?;
        let free = i64::from(seats.max_users) - seats.taken - reserved_seats;
        let emails: Vec<String> = batch
            .iter()
            .map(|(_, row)| row.email.as_str().to_owned())
            .collect();
        let existing = import::lock_existing_users(tx, &emails).await?;
        let existing: HashMap<&str, &ImportedUser> = existing
            .iter()
            .map(|person| (person.email.as_str(), person))
            .collect();
        let mut plan = Self {
            now: tx.now(),
            created: Vec::new(),
            updated: Vec::new(),
            unchanged: 0,
            refused: Vec::new(),
            seats: 0,
        };
        for (line, row) in batch {
            let result = match existing.get(row.email.as_str()) {
                Some(before) => plan.plan_update(caller, &roles, row, before),
                None => plan.plan_creation(caller, &roles, row, free),
            };
            if let Err(errors) = result {
                plan.refused.push((line, errors));
            }
        }
        Ok(plan)
    }

    fn plan_update(
        &mut self,
        caller: &Caller<UserImport>,
        roles: &[RoleRow],
        row: ImportUser,
        before: &ImportedUser,
    ) -> Result<(), Vec<FieldError>> {
        if before.status == UserStatus::Erased {
            return Err(field_error("/email", ERASED));
        }
        if before.status == UserStatus::Disabled && row.status() != UserStatus::Disabled {
            return Err(field_error("/email", DISABLED));
        }
        let role = roles.iter().find(|role| role.id == before.role_id);
        if let Some(wanted) = &row.role
            && role.is_none_or(|role| role.name != wanted.as_str())
        {
            return Err(field_error("/role", OTHER_ROLE));
        }
        let after = row.merged_into(before);
        let changed = after.changed_fields(before);
        if changed.is_empty() {
            self.unchanged += 1;
        } else if role.is_some_and(|role| rules::check_authority(caller, role).is_ok()) {
            self.updated.push((after, changed));
        } else {
            return Err(field_error("/email", ROLE_TOO_POWERFUL));
        }
        Ok(())
    }

    fn plan_creation(
        &mut self,
        caller: &Caller<UserImport>,
        roles: &[RoleRow],
        row: ImportUser,
        free: i64,
    ) -> Result<(), Vec<FieldError>> {
        let wanted = row.role.as_ref().map_or("customer", SingleLine::as_str);
        let Some(role) = roles.iter().find(|role| role.name == wanted) else {
            let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
            return Err(field_error("/role", FieldCode::NotOneOf(names.join(", "))));
        };
        if rules::check_authority(caller, role).is_err() {
            return Err(field_error("/role", ROLE_TOO_POWERFUL));
        }
        let person = row.into_new_user(Defaults {
            role: role.id,
            locale: &caller.tenant.locale,
            time_zone: &caller.tenant.time_zone,
            now: self.now,
        })?;
        if person.status.occupies_seat() {
            if self.seats >= free {
                return Err(field_error("/email", NO_SEAT));
            }
            self.seats += 1;
        }
        self.created.push(person);
        Ok(())
    }

    fn add_to_tally(self, tally: &mut Tally) {
        tally.created += self.created.len();
        tally.updated += self.updated.len();
        tally.unchanged += self.unchanged;
        for (line, errors) in self.refused {
            tally.refuse(line, errors);
        }
    }
}

/// Writes a batch with its audit entries, its invitations and one event for all rows.
async fn apply_plan(app: &App, unit: &mut UnitOfWork, plan: &Plan, invite: bool) -> Result<()> {
    let updated: Vec<ImportedUser> = plan
        .updated
        .iter()
        .map(|(after, _)| after.clone())
        .collect();
    import::insert_users(unit, &plan.created).await?;
    import::update_users(unit, &updated).await?;
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
    unit.audit_all(new.chain(changed).collect()).await?;
    if invite {
        let invited = |person: &&ImportedUser| person.status == UserStatus::Invited;
        for person in plan.created.iter().filter(invited) {
            one_time_link::send_invitation(app, unit, person.user_id, 1).await?;
        }
    }
    let ids = |people: &[ImportedUser]| people.iter().map(|person| person.user_id).collect();
    let event = UsersImported {
        import_id: ImportId::at(unit.now()),
        created: ids(&plan.created),
        updated: ids(&updated),
    };
    unit.publish(1, event).await?;
    Ok(())
}
