//! Second factors, and what they add to the proof of a session.

web::text_enum! {
    /// A way to prove a second factor.
    pub enum FactorMethod {
        /// A code of the authenticator app.
        Totp = "totp",
        /// A recovery code.
        RecoveryCode = "recovery_code",
        /// A passkey.
        Passkey = "passkey",
    }
}

/// How many factors somebody may have.
pub(crate) const MOST_FACTORS: i64 = 10;

impl FactorMethod {
    /// Its member of `amr` (RFC 8176): codes are passwords that work once.
    fn member(self) -> &'static str {
        match self {
            Self::Totp | Self::RecoveryCode => "otp",
            Self::Passkey => "hwk",
        }
    }

    /// `amr` once this was proved as well.
    pub(crate) fn added_to(self, mut amr: Vec<String>) -> Vec<String> {
        for member in [self.member(), "mfa"] {
            if !amr.iter().any(|present| present == member) {
                amr.push(member.to_owned());
            }
        }
        amr
    }
}
