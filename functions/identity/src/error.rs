//! How this context refuses.

use web::Problem;

use crate::domain::{password_hash::HashError, throttle::Refused};

web::problems! {
    /// Unknown tenant, unknown account, wrong password, not yet verified, disabled: one answer for all.
    INVALID_CREDENTIALS = UNAUTHORIZED "invalid_credentials" {
        de: "Anmeldung nicht möglich", "Organisation, E-Mail-Adresse oder Passwort stimmen nicht, oder das Konto ist noch nicht bestätigt.";
        en: "Sign-in not possible", "Organisation, mail address or password are not right, or the account is not verified yet.";
    }
    /// Not a refresh token of a living session.
    INVALID_REFRESH_TOKEN = UNAUTHORIZED "invalid_refresh_token" {
        de: "Sitzung beendet", "Das Refresh-Token gehört zu keiner laufenden Sitzung. Bitte neu anmelden.";
        en: "Session ended", "The refresh token belongs to no running session. Please sign in again.";
    }
    /// An old refresh token came back: somebody else has a copy. The whole family is dead.
    REFRESH_TOKEN_REUSED = UNAUTHORIZED "refresh_token_reused" {
        de: "Sitzung aus Sicherheitsgründen beendet", "Ein bereits ersetztes Refresh-Token wurde noch einmal benutzt. Bitte neu anmelden.";
        en: "Session ended for safety", "A refresh token that had been replaced was used again. Please sign in again.";
    }
    /// A link that never was, is used up, or is too old.
    INVALID_TOKEN = UNAUTHORIZED "invalid_token" {
        de: "Link nicht gültig", "Der Link ist unbekannt, schon benutzt oder abgelaufen.";
        en: "Link not valid", "The link is unknown, has been used, or has expired.";
    }
    /// Not a sign-in that waits for its second factor.
    INVALID_MFA_TOKEN = UNAUTHORIZED "invalid_mfa_token" {
        de: "Anmeldung nicht mehr offen", "Diese Anmeldung ist unbekannt, schon beendet oder abgelaufen. Bitte neu anmelden.";
        en: "Sign-in no longer open", "This sign-in is unknown, finished, or has expired. Please sign in again.";
    }
    /// A code that is wrong, used, or too old.
    INVALID_CODE = UNAUTHORIZED "invalid_code" {
        de: "Code nicht gültig", "Der Code ist falsch, schon benutzt oder abgelaufen.";
        en: "Code not valid", "The code is wrong, has been used, or has expired.";
    }
    /// Somebody who is signed in gave a wrong password or code.
    PROOF_REFUSED = FORBIDDEN "proof_refused" {
        de: "Nicht bestätigt", "Passwort oder Code stimmen nicht.";
        en: "Not proved", "Password or code are not right.";
    }
    /// There is an authenticator app already.
    FACTOR_EXISTS = CONFLICT "factor_exists" {
        de: "Schon eingerichtet", "Eine Authenticator-App ist schon eingerichtet. Bitte diese zuerst entfernen.";
        en: "Set up already", "An authenticator app is set up already. Please remove it first.";
    }
    /// An authenticator's answer that is not believed, whyever.
    PASSKEY_REFUSED = UNAUTHORIZED "passkey_refused" {
        de: "Anmeldung nicht möglich", "Dieser Passkey ist hier nicht bekannt, oder seine Antwort kam zu spät.";
        en: "Sign-in not possible", "This passkey is not known here, or its answer came too late.";
    }
    /// Somebody has this passkey already.
    PASSKEY_EXISTS = CONFLICT "passkey_exists" {
        de: "Passkey schon vorhanden", "Dieser Passkey ist schon eingerichtet.";
        en: "Passkey set up already", "This passkey is set up already.";
    }
    /// As many factors as one may have.
    TOO_MANY_FACTORS = CONFLICT "too_many_factors" {
        de: "Zu viele Faktoren", "Mehr als 10 zweite Faktoren kann niemand haben. Bitte zuerst einen entfernen.";
        en: "Too many factors", "Nobody can have more than 10 second factors. Please remove one first.";
    }
    /// No authenticator app waits for its first code.
    NO_ENROLMENT = CONFLICT "no_enrolment" {
        de: "Keine Einrichtung offen", "Es wartet keine Authenticator-App auf ihren ersten Code; eine Einrichtung gilt 5 Minuten.";
        en: "Nothing to confirm", "No authenticator app waits for its first code; setting one up has to be finished within 5 minutes.";
    }
    /// Recovery codes stand in for a second factor, and there is none.
    NO_SECOND_FACTOR = CONFLICT "no_second_factor" {
        de: "Kein zweiter Faktor", "Wiederherstellungscodes gibt es erst mit einem zweiten Faktor.";
        en: "No second factor", "There are recovery codes only once there is a second factor.";
    }
    /// A cookie route was called in a way that another site could.
    CSRF_REFUSED = FORBIDDEN "csrf_refused" {
        de: "Anfrage nicht vertrauenswürdig", "Cookies gelten nur für Seiten der Organisation mit dem Header X-CSRF-Token: 1.";
        en: "Request not trusted", "Cookies count only for the organisation's own pages with the header X-CSRF-Token: 1.";
    }
    /// The tenant takes nobody who was not invited.
    REGISTRATION_CLOSED = FORBIDDEN "registration_closed" {
        de: "Registrierung nicht möglich", "Diese Organisation nimmt nur auf Einladung auf.";
        en: "Registration not possible", "This organisation takes people by invitation only.";
    }
    /// Every seat of the licence is taken.
    SEATS_EXHAUSTED = CONFLICT "seats_exhausted" {
        de: "Keine Plätze frei", "Die Lizenz hat {max_users} Plätze, und alle sind vergeben.";
        en: "No seats left", "The licence has {max_users} seats, and all of them are taken.";
    }
    /// Somebody in the tenant has this address.
    EMAIL_TAKEN = CONFLICT "email_taken" {
        de: "E-Mail-Adresse vergeben", "In dieser Organisation gibt es schon jemanden mit dieser E-Mail-Adresse.";
        en: "Mail address taken", "Somebody in this organisation already has this mail address.";
    }
    /// Somebody has to stay who can manage the tenant.
    LAST_ADMIN = CONFLICT "last_admin" {
        de: "Letzte Verwaltung", "Die letzte aktive Person mit dieser Rolle kann sie nicht abgeben und nicht gesperrt werden.";
        en: "Last admin", "The last active person with this role can't give it up and can't be disabled.";
    }
    /// Nobody gives what they lack, and nobody manages people above them.
    ROLE_TOO_POWERFUL = FORBIDDEN "role_too_powerful" {
        de: "Rolle zu mächtig", "Die Rolle {role} darf mehr, als Sie vergeben oder verwalten dürfen.";
        en: "Role too powerful", "The role {role} may do more than you can give or manage.";
    }
    /// Built-in roles are the same in every organisation.
    BUILT_IN_ROLE = CONFLICT "built_in_role" {
        de: "Eingebaute Rolle", "Die Rolle {role} gehört zu jeder Organisation und kann nicht geändert werden.";
        en: "Built-in role", "The role {role} belongs to every organisation and can't be changed.";
    }
    /// Somebody still has the role.
    ROLE_IN_USE = CONFLICT "role_in_use" {
        de: "Rolle in Gebrauch", "So viele Personen haben die Rolle noch, gesperrte mitgezählt: {people}.";
        en: "Role in use", "So many people still have the role, disabled ones included: {people}.";
    }
    /// Another role has the name, or it means something else.
    ROLE_NAME_TAKEN = CONFLICT "role_name_taken" {
        de: "Rollenname vergeben", "Der Name {role} ist schon vergeben.";
        en: "Role name taken", "The name {role} is taken.";
    }
    /// Nobody adds to the role that they have.
    OWN_ROLE = FORBIDDEN "own_role" {
        de: "Eigene Rolle", "Die eigene Rolle kann nur weniger dürfen, nicht mehr.";
        en: "Own role", "You can take from the role you have, not add to it.";
    }
    /// All roles stand on one page.
    TOO_MANY_ROLES = CONFLICT "too_many_roles" {
        de: "Zu viele Rollen", "Eine Organisation hat höchstens {most} Rollen.";
        en: "Too many roles", "An organisation has at most {most} roles.";
    }
    /// Only people below oneself, who can act, and only where the organisation allows it.
    IMPERSONATION_REFUSED = FORBIDDEN "impersonation_refused" {
        de: "Konto nicht einsehbar", "Dieses Konto können Sie nicht ansehen: nur Konten aktiver Personen unter Ihnen, und nur, wo die Organisation es erlaubt.";
        en: "Account can't be looked at", "You can't look at this account: only those of active people below you, and only where the organisation allows it.";
    }
    /// A field that this caller may not change here.
    FORBIDDEN_FIELD = FORBIDDEN "forbidden_field" {
        de: "Feld nicht änderbar", "{field} können Sie hier nicht ändern.";
        en: "Field can't be changed", "You can't change {field} here.";
    }
    /// The account can't take that step.
    ILLEGAL_STATUS = CONFLICT "illegal_status" {
        de: "Statuswechsel nicht möglich", "Von {from} führt kein Weg nach {to}.";
        en: "Status change not possible", "No way leads from {from} to {to}.";
    }
    /// Whoever is signed in did not know the password.
    WRONG_PASSWORD = FORBIDDEN "wrong_password" {
        de: "Passwort stimmt nicht", "Das bisherige Passwort stimmt nicht.";
        en: "Wrong password", "The present password is not right.";
    }
    /// The link was asked for in a browser, and this is another.
    OTHER_BROWSER = FORBIDDEN "other_browser" {
        de: "Anderer Browser", "Der Link gilt nur in dem Browser, in dem er angefordert wurde.";
        en: "Another browser", "The link works only in the browser in which it was asked for.";
    }
    /// The code that was shown where the link was asked for is missing or wrong.
    LINK_CODE_REQUIRED = FORBIDDEN "link_code_required" {
        de: "Code fehlt oder stimmt nicht", "Gebraucht wird der sechsstellige Code, der beim Anfordern des Links gezeigt wurde.";
        en: "Code missing or wrong", "The six-digit code is needed that was shown where the link was asked for.";
    }
    /// The page to which somebody wants to come back is not the tenant's.
    REDIRECT_NOT_ALLOWED = FORBIDDEN "redirect_not_allowed" {
        de: "Rücksprung nicht erlaubt", "Die Adresse in redirect_to gehört nicht zur Organisation.";
        en: "Return not allowed", "The address in redirect_to does not belong to the organisation.";
    }
    /// A state that never was, was used, is too old, or belongs to another browser.
    SIGN_IN_EXPIRED = BAD_REQUEST "sign_in_expired" {
        de: "Anmeldung abgelaufen", "Diese Anmeldung ist unbekannt, abgelaufen, schon benutzt oder gehört zu einem anderen Browser. Bitte neu beginnen.";
        en: "Sign-in expired", "This sign-in is unknown, has expired, was used, or belongs to another browser. Please begin again.";
    }
    /// The person did not agree at the issuer.
    SIGN_IN_CANCELLED = FORBIDDEN "sign_in_cancelled" {
        de: "Anmeldung abgebrochen", "Die Anmeldung wurde beim Anbieter abgebrochen.";
        en: "Sign-in cancelled", "The sign-in was cancelled at the provider.";
    }
    /// The issuer can't be asked.
    PROVIDER_UNAVAILABLE = SERVICE_UNAVAILABLE "provider_unavailable" {
        de: "Anbieter nicht erreichbar", "Der Anbieter antwortet gerade nicht. Bitte später noch einmal versuchen.";
        en: "Provider not available", "The provider does not answer now. Please try again later.";
    }
    /// The issuer's answer does not count.
    PROVIDER_REFUSED = FORBIDDEN "provider_refused" {
        de: "Anmeldung vom Anbieter nicht bestätigt", "Die Antwort des Anbieters ist nicht gültig.";
        en: "Sign-in not confirmed by the provider", "The provider's answer is not valid.";
    }
    /// The issuer does not vouch for the address.
    ADDRESS_NOT_VERIFIED = FORBIDDEN "address_not_verified" {
        de: "E-Mail-Adresse nicht bestätigt", "Der Anbieter hat die E-Mail-Adresse nicht bestätigt.";
        en: "Mail address not verified", "The provider has not verified the mail address.";
    }
    /// An account has the address, and only its owner may link the identity.
    LINK_REQUIRES_SIGN_IN = CONFLICT "link_requires_sign_in" {
        de: "Erst anmelden, dann verknüpfen", "Es gibt schon ein Konto mit dieser E-Mail-Adresse. Bitte dort anmelden und den Anbieter verknüpfen.";
        en: "Sign in first, then link", "There is an account with this mail address. Please sign in there and link the provider.";
    }
    /// The account waits for its invitation, is locked, or disabled.
    ACCOUNT_NOT_ACTIVE = FORBIDDEN "account_not_active" {
        de: "Konto nicht aktiv", "Das Konto ist noch nicht bestätigt oder gesperrt.";
        en: "Account not active", "The account is not confirmed yet, or it is locked.";
    }
    /// The identity is linked already.
    IDENTITY_TAKEN = CONFLICT "identity_taken" {
        de: "Schon verknüpft", "Dieses Konto beim Anbieter ist schon verknüpft.";
        en: "Linked already", "This account at the provider is linked already.";
    }
    /// Without it nobody could sign in to the account.
    LAST_WAY_IN = CONFLICT "last_way_in" {
        de: "Letzte Anmeldemöglichkeit", "Ohne diese Verknüpfung und ohne Passwort gäbe es keine Anmeldung mehr.";
        en: "Last way in", "Without this link and without a password nobody could sign in any more.";
    }
    /// A code that never was, was used, is too old, or was made for somebody else.
    INVALID_SIGN_IN_CODE = UNAUTHORIZED "invalid_sign_in_code" {
        de: "Code nicht gültig", "Der Code ist unbekannt, schon benutzt oder abgelaufen.";
        en: "Code not valid", "The code is unknown, has been used, or has expired.";
    }
    /// A key has neither profile nor session.
    NOT_A_PERSON = FORBIDDEN "not_a_person" {
        de: "Nur für Personen", "Ein API-Schlüssel hat weder Profil noch Sitzung.";
        en: "For people only", "An API key has neither a profile nor a session.";
    }
}

/// `401` with the challenge that RFC 6750 asks for.
pub(crate) fn unauthorized(kind: &'static web::Kind) -> Problem {
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

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy => web::problem::UNAVAILABLE.problem(),
            Refused::TooMany { seconds } => web::problem::RATE_LIMITED
                .problem()
                .argument("seconds", seconds)
                .header(http::header::RETRY_AFTER, seconds.to_string()),
        }
    }
}
