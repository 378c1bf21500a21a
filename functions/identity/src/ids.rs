//! The identifiers that only this context knows.

::ids::ids! {
    /// A sign-in that is waiting for its second factor.
    MfaChallenge => MfaChallengeId, "mfa_challenge";
    /// A passkey of a user.
    Passkey => PasskeyId, "passkey";
    /// A challenge for a passkey.
    PasskeyChallenge => PasskeyChallengeId, "passkey_challenge";
    /// A user's identity at an external provider.
    OauthIdentity => OauthIdentityId, "oauth_identity";
    /// A sign-in via an external provider.
    OauthFlow => OauthFlowId, "oauth_flow";
}
