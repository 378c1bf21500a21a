//! The refusals that every context shares.

crate::problems! {
    /// The body is not JSON.
    INVALID_JSON = BAD_REQUEST "invalid_json" {
        de: "Kein gültiges JSON", "Der Inhalt der Anfrage ist kein gültiges JSON: {cause}.";
        en: "Not valid JSON", "The request's body is not valid JSON: {cause}.";
    }
    /// The body is no table.
    INVALID_CSV = BAD_REQUEST "invalid_csv" {
        de: "Keine lesbare Tabelle", "Der Inhalt der Anfrage kann nicht als CSV gelesen werden: {cause}.";
        en: "Not a readable table", "The request's body can't be read as CSV: {cause}.";
    }
    /// A cursor that we did not make, or that belongs to another list.
    INVALID_CURSOR = BAD_REQUEST "invalid_cursor" {
        de: "Ungültiger Cursor", "Der Cursor gehört nicht zu dieser Liste. Bitte von vorn beginnen.";
        en: "Invalid cursor", "The cursor does not belong to this list. Please start again.";
    }
    /// A header that can't be read.
    INVALID_HEADER = BAD_REQUEST "invalid_header" {
        de: "Ungültiger Header", "Der Header {header} ist ungültig.";
        en: "Invalid header", "The header {header} is not valid.";
    }
    /// The framework could not read the request.
    BAD_REQUEST = BAD_REQUEST "bad_request" {
        de: "Ungültige Anfrage", "Die Anfrage kann nicht gelesen werden.";
        en: "Bad request", "The request can't be read.";
    }
    /// No, expired or revoked credentials.
    UNAUTHENTICATED = UNAUTHORIZED "unauthenticated" {
        de: "Nicht angemeldet", "Bitte anmelden: Zugangsdaten fehlen, sind abgelaufen oder widerrufen.";
        en: "Not signed in", "Please sign in: credentials are missing, expired or revoked.";
    }
    /// Known caller, missing permission.
    FORBIDDEN = FORBIDDEN "forbidden" {
        de: "Keine Berechtigung", "Dafür wird die Berechtigung {permission} gebraucht.";
        en: "Not permitted", "This needs the permission {permission}.";
    }
    /// The tenant has not licensed or switched on the context.
    FEATURE_DISABLED = FORBIDDEN "feature_disabled" {
        de: "Funktion nicht freigeschaltet", "Die Funktion {feature} ist für diese Organisation nicht freigeschaltet.";
        en: "Feature not enabled", "The feature {feature} is not enabled for this organisation.";
    }
    /// A tenant that is suspended or closing reads only.
    TENANT_SUSPENDED = FORBIDDEN "tenant_suspended" {
        de: "Organisation gesperrt", "Die Organisation ist gesperrt oder wird geschlossen: Lesen ist möglich, Ändern nicht.";
        en: "Organisation suspended", "The organisation is suspended or being closed: it can read, but not change.";
    }
    /// No such row for this caller.
    NOT_FOUND = NOT_FOUND "not_found" {
        de: "Nicht gefunden", "Das gibt es hier nicht.";
        en: "Not found", "There is no such thing here.";
    }
    /// The path knows other methods.
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED "method_not_allowed" {
        de: "Methode nicht erlaubt", "Diese Adresse kennt die Methode nicht; der Header Allow nennt die möglichen.";
        en: "Method not allowed", "This address does not know the method; the header Allow names those it knows.";
    }
    /// The answer took longer than the budget.
    TIMED_OUT = SERVICE_UNAVAILABLE "timed_out" {
        de: "Zeit überschritten", "Die Antwort hat zu lange gedauert. Bitte später noch einmal versuchen.";
        en: "Timed out", "The answer took too long. Please try again later.";
    }
    /// A conflict that no context has a better word for.
    CONFLICT = CONFLICT "conflict" {
        de: "Konflikt", "Die Änderung passt nicht zum jetzigen Stand.";
        en: "Conflict", "The change does not fit the present state.";
    }
    /// `If-Match` names another version.
    PRECONDITION_FAILED = PRECONDITION_FAILED "precondition_failed" {
        de: "Zwischenzeitlich geändert", "Jemand hat inzwischen geändert; die jetzige Version ist {version}. Bitte neu laden.";
        en: "Changed meanwhile", "Somebody changed it meanwhile; the version is now {version}. Please load it again.";
    }
    /// The body is over the limit.
    TOO_LARGE = PAYLOAD_TOO_LARGE "too_large" {
        de: "Zu groß", "Der Inhalt ist größer als {limit} Bytes.";
        en: "Too large", "The content is larger than {limit} bytes.";
    }
    /// More rows than one import takes.
    TOO_MANY_ROWS = PAYLOAD_TOO_LARGE "too_many_rows" {
        de: "Zu viele Zeilen", "Ein Import nimmt höchstens {limit} Zeilen auf einmal; bitte in mehreren Teilen senden.";
        en: "Too many rows", "An import takes at most {limit} rows at once; please send them in parts.";
    }
    /// The address is over the limit.
    URI_TOO_LONG = URI_TOO_LONG "uri_too_long" {
        de: "Adresse zu lang", "Die Adresse ist zu lang.";
        en: "Address too long", "The address is too long.";
    }
    /// The body has another media type.
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" {
        de: "Falscher Inhaltstyp", "Hier wird {expected} erwartet.";
        en: "Wrong media type", "This wants {expected}.";
    }
    /// Fields of a body or query are wrong; `errors` names them all.
    VALIDATION_FAILED = UNPROCESSABLE_ENTITY "validation_failed" {
        de: "Eingaben ungültig", "Mindestens eine Angabe ist ungültig; errors nennt alle.";
        en: "Input not valid", "At least one value is not valid; errors names all of them.";
    }
    /// Too many calls.
    RATE_LIMITED = TOO_MANY_REQUESTS "rate_limited" {
        de: "Zu viele Anfragen", "Zu viele Anfragen. Bitte in {seconds} Sekunden noch einmal versuchen.";
        en: "Too many requests", "Too many requests. Please try again in {seconds} seconds.";
    }
    /// Our fault.
    INTERNAL_ERROR = INTERNAL_SERVER_ERROR "internal_error" {
        de: "Interner Fehler", "Bei uns ist etwas schiefgegangen. Die request_id hilft beim Nachsehen.";
        en: "Internal error", "Something went wrong on our side. The request_id helps to look it up.";
    }
    /// More requests are in flight than can be answered in time: this one was not begun.
    OVERLOADED = SERVICE_UNAVAILABLE "overloaded" {
        de: "Überlastet", "Es sind zu viele Anfragen zugleich unterwegs; diese wurde nicht begonnen. Bitte gleich noch einmal versuchen.";
        en: "Overloaded", "Too many requests are under way at once; this one was not begun. Please try again in a moment.";
    }
    /// The database or a needed provider is away.
    UNAVAILABLE = SERVICE_UNAVAILABLE "unavailable" {
        de: "Vorübergehend nicht verfügbar", "Bitte gleich noch einmal versuchen.";
        en: "Temporarily unavailable", "Please try again in a moment.";
    }
}

/// The kind that speaks for a status which the framework itself answered.
pub fn kind_of_status(status: http::StatusCode) -> &'static crate::ProblemKind {
    match status.as_u16() {
        401 => &UNAUTHENTICATED,
        403 => &FORBIDDEN,
        404 => &NOT_FOUND,
        405 => &METHOD_NOT_ALLOWED,
        409 => &CONFLICT,
        408 | 503 | 504 => &UNAVAILABLE,
        412 => &PRECONDITION_FAILED,
        413 => &TOO_LARGE,
        414 => &URI_TOO_LONG,
        415 => &UNSUPPORTED_MEDIA_TYPE,
        422 => &VALIDATION_FAILED,
        429 => &RATE_LIMITED,
        400..=499 => &BAD_REQUEST,
        _ => &INTERNAL_ERROR,
    }
}
