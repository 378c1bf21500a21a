//! The problems of this context.

use web::Problem;

use crate::domain::{password_hash::HashError, throttle::ThrottleError};

web::problems! {
    /// Unknown tenant, unknown account, wrong password, unverified or disabled account: the same response for all of them.
    INVALID_CREDENTIALS = UNAUTHORIZED "invalid_credentials" {
        de: "Anmeldung fehlgeschlagen", "Organisation, E-Mail-Adresse oder Passwort sind nicht korrekt, oder das Konto ist noch nicht bestätigt.";
        en: "Sign-in failed", "The organisation, email address or password is incorrect, or the account has not been verified yet.";
    }
    /// The refresh token does not belong to an active session.
    INVALID_REFRESH_TOKEN = UNAUTHORIZED "invalid_refresh_token" {
        de: "Sitzung beendet", "Das Refresh-Token fehlt oder gehört zu keiner aktiven Sitzung. Bitte melden Sie sich erneut an.";
        en: "Session ended", "The refresh token is missing, or does not belong to an active session. Sign in again.";
    }
    /// A refresh token that had already been replaced was used again, which suggests a stolen copy. The session has been ended.
    REFRESH_TOKEN_REUSED = UNAUTHORIZED "refresh_token_reused" {
        de: "Sitzung aus Sicherheitsgründen beendet", "Ein bereits ersetztes Refresh-Token wurde erneut verwendet. Bitte melden Sie sich erneut an.";
        en: "Session ended for security reasons", "A refresh token that had already been replaced was used again. Sign in again.";
    }
    /// The link is unknown, has been used or has expired.
    INVALID_TOKEN = UNAUTHORIZED "invalid_token" {
        de: "Link ungültig oder abgelaufen", "Dieser Link ist ungültig, wurde bereits verwendet oder ist abgelaufen. Bitte fordern Sie einen neuen an.";
        en: "Link invalid or expired", "This link is invalid, has already been used or has expired. Request a new one.";
    }
    /// The token does not belong to a sign-in that is waiting for its second factor.
    INVALID_MFA_TOKEN = UNAUTHORIZED "invalid_mfa_token" {
        de: "Anmeldung nicht mehr gültig", "Diese Anmeldung ist unbekannt, bereits abgeschlossen oder abgelaufen. Bitte melden Sie sich erneut an.";
        en: "Sign-in no longer valid", "This sign-in is unknown, already completed or has expired. Sign in again.";
    }
    /// The code is incorrect, has been used or has expired.
    INVALID_CODE = UNAUTHORIZED "invalid_code" {
        de: "Code ungültig", "Der Code ist falsch, wurde bereits verwendet oder ist abgelaufen. Bitte geben Sie einen neuen Code ein.";
        en: "Invalid code", "The code is incorrect, has already been used or has expired. Enter a new one.";
    }
    /// A signed-in user gave an incorrect password, code or passkey response.
    PROOF_REFUSED = FORBIDDEN "proof_refused" {
        de: "Bestätigung fehlgeschlagen", "Passwort, Code oder Passkey konnten nicht bestätigt werden. Bitte versuchen Sie es erneut.";
        en: "Verification failed", "The password, code or passkey could not be verified. Try again.";
    }
    /// The user already has an authenticator app.
    FACTOR_EXISTS = CONFLICT "factor_exists" {
        de: "Authenticator-App bereits eingerichtet", "Es ist bereits eine Authenticator-App eingerichtet. Entfernen Sie diese, bevor Sie eine andere einrichten.";
        en: "Authenticator app already set up", "You already have an authenticator app. Remove it before setting up another one.";
    }
    /// The authenticator's response was not accepted. The reason is not disclosed.
    PASSKEY_REFUSED = UNAUTHORIZED "passkey_refused" {
        de: "Anmeldung fehlgeschlagen", "Dieser Passkey ist hier nicht registriert, oder die Anmeldung hat zu lange gedauert. Bitte versuchen Sie es erneut.";
        en: "Sign-in failed", "This passkey is not registered here, or the sign-in took too long. Try again.";
    }
    /// The passkey is already registered.
    PASSKEY_EXISTS = CONFLICT "passkey_exists" {
        de: "Passkey bereits registriert", "Dieser Passkey ist bereits registriert. Bitte verwenden Sie einen anderen.";
        en: "Passkey already registered", "This passkey is already registered. Use a different one.";
    }
    /// The user has reached the maximum number of second factors.
    TOO_MANY_FACTORS = CONFLICT "too_many_factors" {
        de: "Zu viele zweite Faktoren", "Sie können höchstens 10 zweite Faktoren einrichten. Entfernen Sie zuerst einen.";
        en: "Too many second factors", "You can have at most 10 second factors. Remove one before adding another.";
    }
    /// No authenticator app is waiting for its first code.
    NO_ENROLMENT = CONFLICT "no_enrolment" {
        de: "Keine Einrichtung begonnen", "Es wartet keine Authenticator-App auf Bestätigung. Starten Sie die Einrichtung erneut und schließen Sie sie innerhalb von 5 Minuten ab.";
        en: "No setup in progress", "No authenticator app is waiting for confirmation. Start the setup again and finish it within 5 minutes.";
    }
    /// Recovery codes replace a second factor, and the user has none.
    NO_SECOND_FACTOR = CONFLICT "no_second_factor" {
        de: "Kein zweiter Faktor", "Wiederherstellungscodes setzen einen zweiten Faktor voraus. Richten Sie zuerst eine Authenticator-App oder einen Passkey ein.";
        en: "No second factor", "Recovery codes require a second factor. Set up an authenticator app or a passkey first.";
    }
    /// A route that uses cookies was called without the protection against cross-site requests.
    CSRF_REFUSED = FORBIDDEN "csrf_refused" {
        de: "Anfrage nicht vertrauenswürdig", "Cookies werden nur von Seiten der Organisation und nur mit dem Header X-CSRF-Token: 1 akzeptiert. Grund: {reason}.";
        en: "Request not trusted", "Cookies are accepted only from the organisation's own pages and with the header X-CSRF-Token: 1. Reason: {reason}.";
        members { reason: Text "What is missing: `cross_site` (page and API have different sites), `unknown_origin`, or `header_missing`." }
    }
    /// The tenant accepts new users by invitation only.
    REGISTRATION_CLOSED = FORBIDDEN "registration_closed" {
        de: "Registrierung nicht möglich", "Neue Konten sind in dieser Organisation nur auf Einladung möglich. Bitte wenden Sie sich an Ihre Administration.";
        en: "Registration not available", "This organisation accepts new users by invitation only. Ask an administrator to invite you.";
    }
    /// All seats of the licence are in use.
    SEATS_EXHAUSTED = CONFLICT "seats_exhausted" {
        de: "Keine Plätze frei", "Alle Plätze der Lizenz sind belegt (Anzahl: {max_users}). Deaktivieren Sie ein Konto oder erweitern Sie die Lizenz.";
        en: "No seats left", "The licence's limit of {max_users} seats has been reached. Disable a user or extend the licence.";
        members { max_users: Integer "The seats of the licence." }
    }
    /// Another user of the tenant has this email address.
    EMAIL_TAKEN = CONFLICT "email_taken" {
        de: "E-Mail-Adresse bereits vergeben", "Diese E-Mail-Adresse wird in Ihrer Organisation bereits verwendet. Bitte verwenden Sie eine andere.";
        en: "Email address already in use", "This email address is already in use in your organisation. Use a different one.";
    }
    /// At least one active user must be able to manage the tenant.
    LAST_ADMIN = CONFLICT "last_admin" {
        de: "Letztes Administratorkonto", "Das letzte aktive Konto mit dieser Rolle kann sie nicht abgeben und nicht deaktiviert werden. Weisen Sie die Rolle zuerst einer weiteren Person zu.";
        en: "Last administrator", "The last active user with this role cannot lose it or be disabled. Assign the role to another user first.";
    }
    /// Users cannot grant permissions they lack, or manage users with a higher role.
    ROLE_TOO_POWERFUL = FORBIDDEN "role_too_powerful" {
        de: "Rolle übersteigt Ihre Berechtigungen", "Die Rolle {role} hat mehr Berechtigungen, als Sie vergeben oder verwalten dürfen.";
        en: "Role exceeds your permissions", "The role {role} has more permissions than you may grant or manage.";
        members { lacking: Texts "The permissions that the caller lacks." }
    }
    /// Built-in roles are the same in every organisation and read-only.
    BUILT_IN_ROLE = CONFLICT "built_in_role" {
        de: "Vordefinierte Rolle", "Die Rolle {role} ist vordefiniert und kann nicht geändert oder gelöscht werden. Erstellen Sie stattdessen eine eigene Rolle.";
        en: "Built-in role", "The role {role} is built in and cannot be changed or deleted. Create a custom role instead.";
    }
    /// The role is still assigned to users.
    ROLE_IN_USE = CONFLICT "role_in_use" {
        de: "Rolle wird noch verwendet", "Personen mit dieser Rolle, auch deaktivierte: {people}. Weisen Sie ihnen zuerst eine andere Rolle zu.";
        en: "Role in use", "Users with this role, including disabled ones: {people}. Assign them a different role first.";
        members { people: Integer "How many have the role." }
    }
    /// Another role has this name, or the name is reserved.
    ROLE_NAME_TAKEN = CONFLICT "role_name_taken" {
        de: "Rollenname bereits vergeben", "Der Rollenname {role} ist bereits vergeben oder reserviert. Bitte wählen Sie einen anderen.";
        en: "Role name already in use", "The role name {role} is already in use or reserved. Choose a different one.";
    }
    /// Users cannot add permissions to their own role.
    OWN_ROLE = FORBIDDEN "own_role" {
        de: "Eigene Rolle nicht erweiterbar", "Sie können Ihrer eigenen Rolle Berechtigungen entziehen, aber keine hinzufügen.";
        en: "Own role cannot be extended", "You can remove permissions from your own role, but not add any.";
    }
    /// The tenant has reached the maximum number of roles.
    TOO_MANY_ROLES = CONFLICT "too_many_roles" {
        de: "Zu viele Rollen", "Eine Organisation kann höchstens {most} Rollen haben. Löschen Sie zuerst eine.";
        en: "Too many roles", "An organisation can have at most {most} roles. Delete one first.";
    }
    /// Only active users with a lower role can be impersonated, and only if the tenant's settings allow it.
    IMPERSONATION_REFUSED = FORBIDDEN "impersonation_refused" {
        de: "Konto nicht einsehbar", "Sie können nur Konten aktiver Personen mit einer niedrigeren Rolle ansehen, und nur, wenn die Organisation es erlaubt.";
        en: "Account cannot be viewed", "You can view only the accounts of active users with a lower role, and only if the organisation allows it.";
    }
    /// The caller may not change this field here.
    FORBIDDEN_FIELD = FORBIDDEN "forbidden_field" {
        de: "Feld nicht änderbar", "Das Feld {field} dürfen Sie hier nicht ändern.";
        en: "Field cannot be changed", "You are not allowed to change {field} here.";
    }
    /// The account's status cannot change that way.
    ILLEGAL_STATUS = CONFLICT "illegal_status" {
        de: "Statuswechsel nicht möglich", "Der Status kann nicht von {from} zu {to} geändert werden.";
        en: "Status change not possible", "The status cannot be changed from {from} to {to}.";
    }
    /// A signed-in user gave an incorrect password.
    WRONG_PASSWORD = FORBIDDEN "wrong_password" {
        de: "Passwort nicht korrekt", "Das aktuelle Passwort ist nicht korrekt. Bitte versuchen Sie es erneut.";
        en: "Incorrect password", "The current password is incorrect. Try again.";
    }
    /// The link was opened in a different browser than the one that requested it.
    OTHER_BROWSER = FORBIDDEN "other_browser" {
        de: "Anderer Browser", "Dieser Link funktioniert nur in dem Browser, in dem er angefordert wurde. Öffnen Sie ihn dort, oder fordern Sie einen neuen an.";
        en: "Different browser", "This link works only in the browser in which it was requested. Open it there or request a new one.";
    }
    /// The code shown when the link was requested is missing or incorrect.
    LINK_CODE_REQUIRED = FORBIDDEN "link_code_required" {
        de: "Code fehlt oder ist falsch", "Bitte geben Sie den sechsstelligen Code ein, der beim Anfordern des Links angezeigt wurde.";
        en: "Code missing or incorrect", "Enter the six-digit code that was shown when the link was requested.";
    }
    /// The page to return to does not belong to the tenant.
    REDIRECT_NOT_ALLOWED = FORBIDDEN "redirect_not_allowed" {
        de: "Weiterleitung nicht erlaubt", "Die Adresse in redirect_to gehört nicht zu dieser Organisation.";
        en: "Redirect not allowed", "The URL in redirect_to does not belong to this organisation.";
    }
    /// The `state` is unknown, used, expired or belongs to a different browser.
    SIGN_IN_EXPIRED = BAD_REQUEST "sign_in_expired" {
        de: "Anmeldung abgelaufen", "Diese Anmeldung ist unbekannt, abgelaufen, wurde bereits verwendet oder gehört zu einem anderen Browser. Bitte beginnen Sie von vorn.";
        en: "Sign-in expired", "This sign-in is unknown, has expired, was already used or belongs to a different browser. Start again.";
    }
    /// The user declined the sign-in at the identity provider.
    SIGN_IN_CANCELLED = FORBIDDEN "sign_in_cancelled" {
        de: "Anmeldung abgebrochen", "Die Anmeldung wurde beim Anbieter abgebrochen. Bitte beginnen Sie von vorn.";
        en: "Sign-in cancelled", "The sign-in was cancelled at the provider. Start again.";
    }
    /// The identity provider does not respond.
    PROVIDER_UNAVAILABLE = SERVICE_UNAVAILABLE "provider_unavailable" {
        de: "Anbieter nicht erreichbar", "Der Anbieter antwortet derzeit nicht. Bitte versuchen Sie es später erneut.";
        en: "Provider unavailable", "The provider is not responding. Try again later.";
    }
    /// The identity provider's response is not valid.
    PROVIDER_REFUSED = FORBIDDEN "provider_refused" {
        de: "Anmeldung vom Anbieter nicht bestätigt", "Die Antwort des Anbieters ist ungültig. Bitte versuchen Sie es erneut.";
        en: "Sign-in not confirmed by provider", "The provider's response is not valid. Try again.";
    }
    /// The identity provider has not verified the email address.
    ADDRESS_NOT_VERIFIED = FORBIDDEN "address_not_verified" {
        de: "E-Mail-Adresse nicht bestätigt", "Der Anbieter hat diese E-Mail-Adresse nicht bestätigt. Bitte bestätigen Sie sie zuerst dort.";
        en: "Email address not verified", "The provider has not verified this email address. Verify it with the provider first.";
    }
    /// An account has this email address; only its owner may link the identity.
    LINK_REQUIRES_SIGN_IN = CONFLICT "link_requires_sign_in" {
        de: "Zuerst anmelden, dann verknüpfen", "Es gibt bereits ein Konto mit dieser E-Mail-Adresse. Bitte melden Sie sich dort an und verknüpfen Sie dann den Anbieter.";
        en: "Sign in first, then link", "An account with this email address already exists. Sign in to it, then link the provider.";
    }
    /// The account is still invited, or it is locked or disabled.
    ACCOUNT_NOT_ACTIVE = FORBIDDEN "account_not_active" {
        de: "Konto nicht aktiv", "Das Konto ist noch nicht bestätigt, gesperrt oder deaktiviert. Bitte wenden Sie sich an Ihre Administration.";
        en: "Account not active", "The account has not been verified yet, or it is locked or disabled. Contact an administrator.";
    }
    /// The identity is already linked to an account.
    IDENTITY_TAKEN = CONFLICT "identity_taken" {
        de: "Bereits verknüpft", "Dieses Konto beim Anbieter ist bereits verknüpft.";
        en: "Already linked", "This account at the provider is already linked.";
    }
    /// Without this identity the user could no longer sign in.
    LAST_WAY_IN = CONFLICT "last_way_in" {
        de: "Letzte Anmeldemöglichkeit", "Ohne diese Verknüpfung könnten Sie sich nicht mehr anmelden. Legen Sie zuerst ein Passwort fest.";
        en: "Last sign-in method", "Without this link you could no longer sign in. Set a password first.";
    }
    /// The code is unknown, used, expired or was issued to someone else.
    INVALID_SIGN_IN_CODE = UNAUTHORIZED "invalid_sign_in_code" {
        de: "Code ungültig", "Der Code ist unbekannt, wurde bereits verwendet oder ist abgelaufen. Bitte beginnen Sie von vorn.";
        en: "Invalid code", "The code is unknown, has already been used or has expired. Start again.";
    }
}

/// `401` with the `WWW-Authenticate` challenge that RFC 6750 requires.
pub(crate) fn unauthorized(kind: &'static web::ProblemKind) -> Problem {
    kind.problem()
        .header(http::header::WWW_AUTHENTICATE, "Bearer realm=\"revalenz\"")
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => web::problem::UNAVAILABLE.problem(),
            HashError::Failed(cause) => Self::internal(cause),
        }
    }
}

impl From<ThrottleError> for Problem {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::Busy => web::problem::UNAVAILABLE.problem(),
            ThrottleError::TooMany { seconds } => web::problem::RATE_LIMITED
                .problem()
                .argument("seconds", seconds)
                .header(http::header::RETRY_AFTER, seconds.to_string()),
        }
    }
}
