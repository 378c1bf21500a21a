//! Applies changes to a user: checks, writes with the projection, publishes and audits.

use access::{Caller, Purpose, audit, mask};
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use serde_json::{Value, json};
use web::{
    Email, Problem, SingleLine, TimeZone,
    body::Change,
    fields::Locale,
    problem::{self, Result},
};

use super::{UpdateUser, is_limited_to_self, rules, status};
use crate::{
    App,
    domain::{
        name::{FullName, Name, NamePart},
        phone::Phone,
        status::{UserStatus, WantedStatus},
    },
    error::FORBIDDEN_FIELD,
    events::{EmailReplaced, UserRoleChanged, UserUpdated},
    http::{links::one_time_link, people::create::email_conflict},
    permissions::UserUpdate,
    store::{
        one_time_tokens,
        roles::{self, RoleRow},
        sessions::{self, EndReason},
        users::{self, UserRow},
    },
};

/// The requested changes.
#[derive(Debug, Default)]
pub(crate) struct UserChanges {
    pub(crate) given_name: Change<NamePart>,
    pub(crate) family_name: Change<NamePart>,
    pub(crate) name: Change<FullName>,
    pub(crate) phone: Change<Option<Phone>>,
    pub(crate) locale: Change<Locale>,
    pub(crate) time_zone: Change<TimeZone>,
    pub(crate) email: Change<Email>,
    pub(crate) role: Change<SingleLine<1, 64>>,
    pub(crate) status: Change<WantedStatus>,
}

impl From<UpdateUser> for UserChanges {
    fn from(body: UpdateUser) -> Self {
        let UpdateUser {
            given_name,
            family_name,
            name,
            phone,
            locale,
            time_zone,
            email,
            role,
            status,
        } = body;
        Self {
            given_name,
            family_name,
            name,
            phone,
            locale,
            time_zone,
            email,
            role,
            status,
        }
    }
}

impl UserChanges {
    /// Whether the change can affect seats or the number of admins.
    pub(crate) fn affects_seats_or_admins(&self) -> bool {
        self.role.as_set().is_some() || self.status.as_set().is_some()
    }

    /// The changed row, and the requested status.
    fn apply_to(
        self,
        before: &UserRow,
        roles: &[RoleRow],
    ) -> Result<(UserRow, Option<WantedStatus>)> {
        let mut after = before.clone();
        let name = Name {
            given: before.given_name.clone(),
            family: before.family_name.clone(),
            display: before.display_name.clone(),
        };
        let name = name.with_changes(self.given_name, self.family_name, self.name);
        (after.given_name, after.family_name, after.display_name) =
            (name.given, name.family, name.display);
        if let Change::Set(phone) = self.phone {
            after.phone = phone.map(Phone::into_string);
        }
        if let Change::Set(locale) = self.locale {
            locale.as_str().clone_into(&mut after.locale);
        }
        if let Change::Set(zone) = self.time_zone {
            zone.as_str().clone_into(&mut after.time_zone);
        }
        if let Change::Set(email) = self.email {
            after.email = email.into_string();
        }
        if let Change::Set(role) = self.role {
            let role = rules::find_role(roles, role.as_str())?;
            after.role_id = role.id;
            role.name.clone_into(&mut after.role);
        }
        // Requesting the current status changes nothing, except that `invited` sends a new invitation.
        let wanted = self
            .status
            .set()
            .filter(|wanted| wanted.status() != before.status || *wanted == WantedStatus::Invited);
        if let Some(wanted) = wanted {
            after.status = wanted.status();
        }
        Ok((after, wanted))
    }
}

/// Applies the changes, commits, and returns the updated user. The row must be locked.
pub(crate) async fn apply_changes(
    app: &App,
    mut unit: UnitOfWork,
    caller: &Caller<UserUpdate>,
    before: UserRow,
    changes: UserChanges,
) -> Result<UserRow> {
    let roles = roles::list_roles(&mut unit).await?;
    let role = |id| {
        roles
            .iter()
            .find(|role| role.id == id)
            .ok_or(&problem::NOT_FOUND)
    };
    let (mut after, wanted) = changes.apply_to(&before, &roles)?;
    let fields = changed_fields(&before, &after);
    if fields.is_empty() && wanted.is_none() {
        unit.commit_unchanged().await?;
        return Ok(before);
    }
    let (id, old_role) = (before.id, role(before.role_id)?);
    check_caller(caller, &before, &fields, old_role, unit.now())?;
    if after.role_id != before.role_id {
        rules::check_authority(caller, role(after.role_id)?)?;
        rules::check_last_admin(&mut unit, old_role, id).await?;
    }
    if let Some(wanted) = wanted {
        status::check_status_change(&mut unit, caller, &before, wanted, old_role).await?;
    }
    if after.email != before.email {
        after.email_verified_at = None;
        one_time_tokens::void_tokens(&mut unit, id).await?;
        sessions::end_sessions(&mut unit, id, None, EndReason::LogoutAll).await?;
    }
    if !users::update_user(&mut unit, caller.reach(), &after)
        .await
        .map_err(email_conflict)?
    {
        return Err(problem::NOT_FOUND.problem());
    }
    (after.version, after.updated_at) = (before.version + 1, unit.now());
    if after.role_id != before.role_id {
        let event = UserRoleChanged {
            user_id: id,
            from: before.role.clone(),
            to: after.role.clone(),
        };
        unit.publish(after.version, event).await?;
    }
    if after.email != before.email {
        notify_old_address(app, &mut unit, &before, after.version).await?;
    }
    let needs_invitation =
        after.status == UserStatus::Invited && (wanted.is_some() || after.email != before.email);
    if needs_invitation {
        one_time_link::send_invitation(app, &mut unit, id, after.version).await?;
    } else if let Some(wanted) = wanted {
        status::finish_status_change(&mut unit, &after, wanted).await?;
    }
    if fields
        .iter()
        .any(|field| !matches!(*field, "role" | "status"))
    {
        let event = UserUpdated {
            user_id: id,
            fields: fields.iter().map(ToString::to_string).collect(),
        };
        unit.publish(after.version, event).await?;
    }
    unit.audit(audit_entry(&before, &after, &fields)).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(after)
}

/// Notifies the old address, because someone else may be taking over the account. An address that was never verified is not notified.
async fn notify_old_address(
    app: &App,
    unit: &mut UnitOfWork,
    before: &UserRow,
    version: i32,
) -> Result<()> {
    if before.email_verified_at.is_none() {
        return Ok(());
    }
    let keyring = app.state.keyring();
    let context = unit.tenant();
    let sealed = keyring
        .seal(
            Purpose::Notifications,
            context.uuid().as_bytes(),
            before.email.as_bytes(),
        )
        .map_err(Problem::internal)?;
    let event = EmailReplaced { user_id: before.id };
    unit.publish_sealed(version, event, sealed).await?;
    Ok(())
}

/// Users may change their own profile; everything else requires authority over the role, and what opens or closes an account also a
/// recent authentication. API keys change the status at most.
fn check_caller(
    caller: &Caller<UserUpdate>,
    before: &UserRow,
    fields: &[&'static str],
    role: &RoleRow,
    now: DateTime<Utc>,
) -> Result<()> {
    let is_any_of = |names: &[&str]| fields.iter().any(|field| names.contains(field));
    let managed = fields
        .iter()
        .find(|field| matches!(**field, "email" | "role" | "status"));
    match managed {
        Some(field) if is_limited_to_self(caller.reach()) => {
            Err(FORBIDDEN_FIELD.problem().argument("field", field))
        }
        None if caller.user == Some(before.id) => Ok(()),
        None => rules::check_authority(caller, role),
        Some(_) => {
            rules::check_authority(caller, role)?;
            // Scripts lock and disable people who have left; they do not choose who signs in with which role.
            if caller.user.is_none() && !is_any_of(&["email", "role"]) {
                return Ok(());
            }
            caller.require_recent_authentication(now)
        }
    }
}

fn changed_fields(before: &UserRow, after: &UserRow) -> Vec<&'static str> {
    let fields = [
        ("given_name", before.given_name != after.given_name),
        ("family_name", before.family_name != after.family_name),
        ("name", before.display_name != after.display_name),
        ("phone", before.phone != after.phone),
        ("locale", before.locale != after.locale),
        ("time_zone", before.time_zone != after.time_zone),
        ("email", before.email != after.email),
        ("role", before.role_id != after.role_id),
        ("status", before.status != after.status),
    ];
    fields
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(field, _)| field)
        .collect()
}

/// The audit entry: without names, and with email addresses and phone numbers masked.
fn audit_entry(before: &UserRow, after: &UserRow, fields: &[&'static str]) -> audit::Entry {
    let phone = |row: &UserRow| row.phone.as_deref().map(mask::phone);
    audit::Entry::new("identity.user.updated", "user", after.id)
        .change("fields", Value::Null, json!(fields))
        .change(
            "email",
            mask::email(&before.email),
            mask::email(&after.email),
        )
        .change("phone", phone(before), phone(after))
        .change("locale", before.locale.as_str(), after.locale.as_str())
        .change(
            "time_zone",
            before.time_zone.as_str(),
            after.time_zone.as_str(),
        )
        .change("role", before.role.as_str(), after.role.as_str())
        .change("status", before.status.as_str(), after.status.as_str())
}
