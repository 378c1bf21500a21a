//! Imports users from another system.
//!
//! Rows are written in batches of one transaction each. If a request is interrupted, complete batches remain, and sending the same
//! file again continues the import, because users are matched by email address.

mod row;

use std::collections::HashMap;

use access::{Caller, audit};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use events::{
    UnitOfWork,
    import::{self, Import, distinct_rows},
};
use http::HeaderMap;
use ids::UserId;
use serde_json::Value;
use web::{
    SingleLine, ValidQuery,
    import::{Outcome, Report, Rows, Tally},
    problem::{self, FieldCode, FieldError, Result},
};

use self::row::ImportUser;
use super::rules;
use crate::{
    App,
    domain::{
        import::{
            DISABLED, Defaults, ERASED, ImportedUser, NO_SEAT, OTHER_ROLE, ROLE_TOO_POWERFUL,
            field_error,
        },
        status::UserStatus,
    },
    events::{ImportId, UsersImported},
    http::links::one_time_link,
    permissions::UserImport,
    store::{
        import as store,
        roles::{self, RoleRow},
        seats,
    },
};

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
    let rows = distinct_rows(rows, &mut tally, |row: &ImportUser| {
        vec![("email", row.email.as_str().to_owned())]
    });
    let mut import = UsersImport {
        app: &app,
        caller: &caller,
        invite: query.invite == Some(true),
        dry_run,
        reserved_seats: 0,
    };
    import::run(&app, &caller, &mut import, rows, dry_run, &mut tally).await?;
    let language = caller.request().language();
    Ok(tally
        .report("people", dry_run, language)
        .into_response_for(&headers, language))
}

/// State shared by all batches of a file.
struct UsersImport<'a> {
    app: &'a App,
    caller: &'a Caller<UserImport>,
    invite: bool,
    dry_run: bool,
    /// Seats that the new users of a dry run would take, because it is never committed.
    reserved_seats: i64,
}

/// What a batch becomes.
struct Plan {
    now: DateTime<Utc>,
    created: Vec<ImportedUser>,
    /// The users after the update, with the names of the changed fields.
    updated: Vec<(ImportedUser, Vec<&'static str>)>,
    /// Seats that the new users take.
    seats: i64,
}

impl Import for UsersImport<'_> {
    type Row = ImportUser;
    type Plan = Plan;
    /// The transaction blocks other requests that add users, for one second at most.
    const BATCH_SIZE: usize = 500;

    /// Plans the batch under the lock that makes the check of seats and email addresses exact.
    async fn plan(
        &mut self,
        unit: &mut UnitOfWork,
        batch: Vec<(u64, ImportUser)>,
        tally: &mut Tally,
    ) -> Result<Option<Plan>> {
        seats::lock_people(unit).await?;
        let roles = roles::list_roles(unit).await?;
        let seats = seats::count_seats(unit).await?.ok_or(&problem::NOT_FOUND)?;
        let free = i64::from(seats.max_users) - seats.taken - self.reserved_seats;
        let emails: Vec<String> = batch
            .iter()
            .map(|(_, row)| row.email.as_str().to_owned())
            .collect();
        let existing = store::lock_existing_users(unit, &emails).await?;
        let existing: HashMap<&str, &ImportedUser> = existing
            .iter()
            .map(|person| (person.email.as_str(), person))
            .collect();
        let mut plan = Plan {
            now: unit.now(),
            created: Vec::new(),
            updated: Vec::new(),
            seats: 0,
        };
        for (line, row) in batch {
            let result = match existing.get(row.email.as_str()) {
                Some(before) => plan.plan_update(self.caller, &roles, row, before),
                None => plan.plan_creation(self.caller, &roles, row, free),
            };
            match result {
                Ok((outcome, id)) => tally.record(line, outcome, Some(id.to_string()), None),
                Err(errors) => tally.refuse(line, errors),
            }
        }
        if self.dry_run {
            self.reserved_seats += plan.seats;
        }
        let is_empty = plan.created.is_empty() && plan.updated.is_empty();
        Ok((!is_empty).then_some(plan))
    }

    async fn write(&mut self, unit: &mut UnitOfWork, plan: Plan) -> Result<()> {
        apply_plan(self.app, unit, &plan, self.invite).await
    }
}

impl Plan {
    fn plan_update(
        &mut self,
        caller: &Caller<UserImport>,
        roles: &[RoleRow],
        row: ImportUser,
        before: &ImportedUser,
    ) -> Result<(Outcome, UserId), Vec<FieldError>> {
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
            return Ok((Outcome::Unchanged, before.user_id));
        }
        if role.is_none_or(|role| rules::check_authority(caller, role).is_err()) {
            return Err(field_error("/email", ROLE_TOO_POWERFUL));
        }
        self.updated.push((after, changed));
        Ok((Outcome::Updated, before.user_id))
    }

    fn plan_creation(
        &mut self,
        caller: &Caller<UserImport>,
        roles: &[RoleRow],
        row: ImportUser,
        free: i64,
    ) -> Result<(Outcome, UserId), Vec<FieldError>> {
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
        let id = person.user_id;
        self.created.push(person);
        Ok((Outcome::Created, id))
    }
}

/// Writes a batch with its audit entries, its invitations and one event for all rows.
async fn apply_plan(app: &App, unit: &mut UnitOfWork, plan: &Plan, invite: bool) -> Result<()> {
    let updated: Vec<ImportedUser> = plan
        .updated
        .iter()
        .map(|(after, _)| after.clone())
        .collect();
    store::insert_users(unit, &plan.created).await?;
    store::update_users(unit, &updated).await?;
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
