//! Emailed links: how they are requested, sent, and redeemed.

pub(crate) mod accept_invite;
pub(crate) mod forgot_password;
pub(crate) mod magic_link;
pub(crate) mod mail_request;
pub(crate) mod one_time_link;
pub(crate) mod redeem_magic_link;
pub(crate) mod resend_verification;
pub(crate) mod reset_password;
pub(crate) mod verify_email;
