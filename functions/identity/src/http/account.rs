//! The own account: registration, profile, email address, password, and the status of the caller.

pub(crate) mod change_email;
pub(crate) mod change_password;
pub(crate) mod confirm_email_change;
pub(crate) mod current_password;
pub(crate) mod me;
pub(crate) mod register;
pub(crate) mod status;
