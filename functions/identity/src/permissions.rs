//! What can be permitted here. The context is always on.

access::permissions! {
    feature None;
    /// Reads people; addresses and phone numbers masked.
    UserRead = "identity.user.read";
    /// Sees addresses and phone numbers as they are.
    UserReadSensitive = "identity.user.read_sensitive";
    /// Adds people.
    UserCreate = "identity.user.create";
    /// Brings people along from another system, many at once.
    UserImport = "identity.user.import";
    /// Changes people; with reach `own` only names, phone, locale and time zone of oneself.
    UserUpdate = "identity.user.update";
    /// Disables people, locks them, and lets them in again.
    UserDisable = "identity.user.disable";
    /// Takes somebody's second factors away, who has lost them.
    UserResetMfa = "identity.user.reset_mfa";
    /// Reads skills.
    ExpertiseRead = "identity.expertise.read";
    /// Replaces skills.
    ExpertiseUpdate = "identity.expertise.update";
    /// Reads roles and the list of permissions.
    RoleRead = "identity.role.read";
    /// Makes, changes and removes roles.
    RoleUpdate = "identity.role.update";
    /// Sees and ends the sessions of the people one manages.
    SessionEnd = "identity.session.end";
    /// Reads hourly rates.
    RateRead = "identity.rate.read";
    /// Replaces hourly rates of the people one manages.
    RateUpdate = "identity.rate.update";
    /// Reads what people did, and what was done about them.
    ActivityRead = "identity.activity.read";
    /// Looks at the account of somebody below as that person sees it: read-only, masked, for an hour at the most.
    UserImpersonate = "identity.user.impersonate";
    /// Gives roles from manager upwards, and manages the people who have them.
    RoleAssign = "identity.role.assign";
}
