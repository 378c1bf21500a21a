//! The permissions of this context, which is always enabled.

access::permissions! {
    feature None;
    /// Read users; email addresses and phone numbers are masked.
    UserRead = "identity.user.read";
    /// Read email addresses and phone numbers unmasked.
    UserReadSensitive = "identity.user.read_sensitive";
    /// Create users.
    UserCreate = "identity.user.create", audited;
    /// Import users from another system in bulk.
    UserImport = "identity.user.import", audited, recent_authentication, open_to_keys;
    /// Update users; with reach `own` only the caller's own names, phone, locale and time zone.
    UserUpdate = "identity.user.update", audited;
    /// Disable, lock and reactivate users.
    UserDisable = "identity.user.disable", audited, recent_authentication, open_to_keys;
    /// Remove a user's second factors after they were lost.
    UserResetMfa = "identity.user.reset_mfa", audited, recent_authentication;
    /// Read skills.
    ExpertiseRead = "identity.expertise.read";
    /// Replace skills.
    ExpertiseUpdate = "identity.expertise.update", audited;
    /// Read roles and the list of permissions.
    RoleRead = "identity.role.read";
    /// Create, update and delete roles.
    RoleUpdate = "identity.role.update", audited, recent_authentication;
    /// List and end the sessions of users whose role the caller may manage.
    SessionEnd = "identity.session.end", audited;
    /// Read hourly rates.
    RateRead = "identity.rate.read";
    /// Replace the hourly rates of users whose role the caller may manage.
    RateUpdate = "identity.rate.update", audited;
    /// Read a user's activity.
    ActivityRead = "identity.activity.read";
    /// View the account of a user with a lower role as that user: read-only, masked, for at most one hour.
    UserImpersonate = "identity.user.impersonate", audited, recent_authentication;
    /// Assign roles from manager upwards, and manage the users who have them.
    RoleAssign = "identity.role.assign";
}
