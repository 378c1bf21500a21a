//! The events of this context. Their data are identifiers and plain words, never names or email addresses.
//!
//! A one-time link is sent in `sealed`: the token's text, encrypted under `Purpose::Notifications` with the tenant's 16 bytes
//! as context, and erased after delivery.

use chrono::NaiveDate;
use ids::{Id, IdKind, OneTimeTokenId, RoleId, SessionId, UserId};
use uuid::Uuid;

use crate::{
    domain::factor::{FactorMethod, RemovedFactor},
    store::one_time_tokens::TokenPurpose,
};

const EXAMPLE: Uuid = Uuid::from_u128(0x019a_b1f2_6d3e_7c11_8e5a_3b1a_2c3d_4e5f);
const USER: UserId = UserId::from_uuid(EXAMPLE);
const ROLE: RoleId = RoleId::from_uuid(EXAMPLE);
const SESSION: SessionId = SessionId::from_uuid(EXAMPLE);
const TOKEN: OneTimeTokenId = OneTimeTokenId::from_uuid(EXAMPLE);

/// One batch of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Import {}
impl IdKind for Import {
    const NAME: &'static str = "import";
}
/// One batch of an import. It is only the subject of an event.
pub type ImportId = Id<Import>;

fn unknown_import() -> ImportId {
    ImportId::from_uuid(Uuid::nil())
}

events::events! {
    context "identity";
    /// A user registered and must verify the email address; the link is sealed.
    UserRegistered = "user.registered.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// The link.
        one_time_token_id: OneTimeTokenId = TOKEN,
        /// What the link does.
        purpose: TokenPurpose = TokenPurpose::VerifyEmail,
        /// Purposes to which the user consents, by name.
        consents: Vec<String> = vec!["newsletter".to_owned()],
    }
    /// A user was invited; the link is sealed.
    UserInvited = "user.invited.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// The link.
        one_time_token_id: OneTimeTokenId = TOKEN,
        /// What the link does.
        purpose: TokenPurpose = TokenPurpose::Invite,
    }
    /// An account became active and can sign in.
    UserActivated = "user.activated.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
    }
    /// Users were imported from another system; users invited by the import also have an event of their own.
    UsersImported = "user.imported.v1", subject import_id {
        /// The batch, of at most 500 users.
        #[serde(skip, default = "unknown_import")]
        import_id: ImportId = ImportId::from_uuid(EXAMPLE),
        /// New users.
        created: Vec<UserId> = vec![USER],
        /// Existing users who were updated.
        updated: Vec<UserId> = vec![],
    }
    /// A profile was changed.
    UserUpdated = "user.updated.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// Names of the changed fields.
        fields: Vec<String> = vec!["locale".to_owned()],
    }
    /// An account was disabled and its sessions were ended.
    UserDisabled = "user.disabled.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
    }
    /// A user's role was changed.
    UserRoleChanged = "user.role_changed.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// Name of the previous role.
        from: String = "customer".to_owned(),
        /// Name of the new role.
        to: String = "expert".to_owned(),
    }
    /// A role was created.
    RoleCreated = "role.created.v1", subject role_id {
        /// The role.
        role_id: RoleId = ROLE,
    }
    /// A role's name, permissions or base role changed.
    RoleUpdated = "role.updated.v1", subject role_id {
        /// The role.
        role_id: RoleId = ROLE,
    }
    /// A role that was no longer assigned was deleted.
    RoleDeleted = "role.deleted.v1", subject role_id {
        /// The role.
        role_id: RoleId = ROLE,
    }
    /// An admin or staff member started to view a user's account as that user.
    SessionImpersonated = "session.impersonated.v1", subject session_id {
        /// The user whose account is viewed.
        user_id: UserId = USER,
        /// The session of the admin or staff member.
        session_id: SessionId = SESSION,
        /// Duration in minutes.
        minutes: i32 = 15,
    }
    /// A certificate expires within 30 days.
    CertificateExpiring = "certificate.expiring.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// The skill that the certificate is for.
        skill: String = "heating".to_owned(),
        /// Last day of validity.
        valid_until: NaiveDate = NaiveDate::from_ymd_opt(2027, 3, 31).unwrap_or_default(),
    }
    /// A user added a second factor.
    MfaEnabled = "mfa.enabled.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// The added factor.
        method: FactorMethod = FactorMethod::Totp,
        /// Whether the user has a second factor now: always `true`.
        second_factor: bool = true,
    }
    /// A second factor was removed.
    MfaDisabled = "mfa.disabled.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// The removed factor; `all` if an admin removed all of them.
        method: RemovedFactor = RemovedFactor::Totp,
        /// Whether the user still has a second factor.
        second_factor: bool = false,
    }
    /// A registered user whose email address is not verified yet requested the link again; the link is sealed.
    VerificationRequested = "email.verification_requested.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// The link.
        one_time_token_id: OneTimeTokenId = TOKEN,
        /// What the link does.
        purpose: TokenPurpose = TokenPurpose::VerifyEmail,
    }
    /// A user requested a new email address; `sealed` holds the link and the new address, one per line.
    EmailChangeRequested = "email.change_requested.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// The link.
        one_time_token_id: OneTimeTokenId = TOKEN,
        /// What the link does.
        purpose: TokenPurpose = TokenPurpose::ChangeEmail,
    }
    /// Someone else replaced a user's email address; the old address is sealed.
    EmailReplaced = "email.replaced.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
    }
    /// A user's account at a provider was linked, so that it can be used to sign in.
    IdentityLinked = "identity.linked.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// Name of the provider.
        provider: String = "google".to_owned(),
    }
    /// A user's account at a provider can no longer be used to sign in.
    IdentityUnlinked = "identity.unlinked.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// Name of the provider.
        provider: String = "google".to_owned(),
    }
    /// A user used a recovery code instead of the second factor.
    RecoveryCodeUsed = "mfa.recovery_code_used.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// How many codes are left.
        left: i64 = 9,
    }
    /// A user requested a password reset; the link is sealed.
    PasswordResetRequested = "password.reset_requested.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// The link.
        one_time_token_id: OneTimeTokenId = TOKEN,
        /// What the link does.
        purpose: TokenPurpose = TokenPurpose::ResetPassword,
    }
    /// A user's password was changed.
    PasswordChanged = "password.changed.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
    }
    /// A user requested a sign-in link; the link is sealed.
    MagicLinkRequested = "magic_link.requested.v1", subject user_id {
        /// The user.
        user_id: UserId = USER,
        /// The link.
        one_time_token_id: OneTimeTokenId = TOKEN,
        /// What the link does.
        purpose: TokenPurpose = TokenPurpose::MagicLink,
    }
    /// A user signed in with a browser, program or device not used before.
    SessionNewDevice = "session.new_device.v1", subject session_id {
        /// The user.
        user_id: UserId = USER,
        /// The new session.
        session_id: SessionId = SESSION,
        /// A description of the device from a fixed set of words.
        device: String = "Firefox, Linux".to_owned(),
    }
    /// A replaced refresh token was used again, so the session was ended.
    SessionReuseDetected = "session.reuse_detected.v1", subject session_id {
        /// The user.
        user_id: UserId = USER,
        /// The session.
        session_id: SessionId = SESSION,
    }
}

#[cfg(test)]
mod tests {
    use events::Event;

    use super::*;

    #[test]
    fn the_batch_of_an_import_is_only_the_subject() {
        let event = UsersImported::example();
        assert_eq!(event.subject(), format!("import/{EXAMPLE}"));
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::json!({"created": [EXAMPLE], "updated": []})
        );
    }
}
