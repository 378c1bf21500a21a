//! Roles of the tenant, built-in and custom, and the permissions they are made of.

mod create;
mod delete;
pub(crate) mod permissions;
mod read;
mod rules;
mod update;

pub(crate) use create::{__path_create_role, create_role};
pub(crate) use delete::{__path_delete_role, delete_role};
pub(crate) use read::{__path_get_role, __path_list_roles, get_role, list_roles};
pub(crate) use update::{__path_update_role, update_role};
