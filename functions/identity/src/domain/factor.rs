//! Second factors, and the authentication methods that they add to a session.

web::text_enum! {
    /// Type of a second factor.
    pub enum FactorMethod {
        /// A code from the authenticator app.
        Totp = "totp",
        /// A recovery code.
        RecoveryCode = "recovery_code",
        /// A passkey.
        Passkey = "passkey",
    }
}

web::text_enum! {
    /// Which second factor was removed.
    pub enum RemovedFactor {
        /// The authenticator app.
        Totp = "totp",
        /// A passkey.
        Passkey = "passkey",
        /// All of them, by an admin.
        All = "all",
    }
}

/// Maximum number of second factors per user.
pub(crate) const MAX_FACTORS: i64 = 10;

impl FactorMethod {
    /// Its value in `amr` (RFC 8176): codes are one-time passwords.
    fn member(self) -> &'static str {
        match self {
            Self::Totp | Self::RecoveryCode => "otp",
            Self::Passkey => "hwk",
        }
    }

    /// `amr` after this factor was verified too.
    pub(crate) fn extend_amr(self, mut amr: Vec<String>) -> Vec<String> {
        for member in [self.member(), "mfa"] {
            if !amr.iter().any(|present| present == member) {
                amr.push(member.to_owned());
            }
        }
        amr
    }
}
