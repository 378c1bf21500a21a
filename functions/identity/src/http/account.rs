//! The user's own account: registration, profile, email address, password and authentication status.

pub(crate) mod change_email;
pub(crate) mod change_password;
pub(crate) mod confirm_email_change;
pub(crate) mod current_password;
pub(crate) mod me;
pub(crate) mod register;
pub(crate) mod status;
