//! Rules without HTTP and SQL.

pub(crate) mod authority;
pub(crate) mod bcrypt_hash;
pub(crate) mod common_passwords;
pub(crate) mod device;
pub(crate) mod expertise;
pub(crate) mod factor;
pub(crate) mod import;
pub(crate) mod link_binding;
pub(crate) mod name;
pub(crate) mod password;
pub(crate) mod password_hash;
pub(crate) mod phone;
pub(crate) mod qr_code;
pub(crate) mod rates;
pub(crate) mod recovery_code;
pub(crate) mod refresh_token;
pub(crate) mod role;
pub(crate) mod status;
pub(crate) mod tenant_rules;
pub(crate) mod throttle;
pub(crate) mod totp;
pub(crate) mod webauthn;
