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
