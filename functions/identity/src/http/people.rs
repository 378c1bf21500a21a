//! Management of the tenant's users: accounts, skills, hourly rates, activity, impersonation.

pub(crate) mod activity;
mod create;
mod delete;
pub(crate) mod expertise;
pub(crate) mod impersonate;
mod import;
mod invite;
mod list;
pub(crate) mod rates;
mod read;
pub(crate) mod reset_mfa;
pub(crate) mod rules;
mod update;
mod view;

pub(crate) use create::{__path_create_user, create_user, email_conflict};
pub(crate) use delete::{__path_delete_user, delete_user};
pub(crate) use import::{__path_import_users, import_users};
pub(crate) use invite::{__path_invite_user, invite_user};
pub(crate) use list::{__path_list_users, list_users};
pub(crate) use read::{__path_get_user, get_user};
pub(crate) use update::{__path_update_user, UserChanges, apply_changes, update_user};
pub(crate) use view::User;
