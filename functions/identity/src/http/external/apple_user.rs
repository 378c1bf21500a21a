//! The name that Apple sends through the browser when a user signs in for the first time.

use serde::Deserialize;

/// What Apple sends about a user, at the first sign-in only and through the browser: an unverified name.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AppleUser {
    pub(super) name: AppleName,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AppleName {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
}
