//! Problem kinds shared by all contexts.

crate::problems! {
    /// The body is not JSON.
    INVALID_JSON = BAD_REQUEST "invalid_json" {
        de: "Ungültiges JSON", "Der Inhalt der Anfrage ist kein gültiges JSON: {cause}.";
        en: "Invalid JSON", "The request body is not valid JSON: {cause}.";
    }
    /// The body is not CSV.
    INVALID_CSV = BAD_REQUEST "invalid_csv" {
        de: "Ungültige CSV-Datei", "Der Inhalt der Anfrage kann nicht als CSV gelesen werden; errors nennt den Grund, line die Zeile.";
        en: "Invalid CSV", "The request body could not be read as CSV; errors names the reason, line the line.";
        members { line: Integer "The line of the file, counted from 1." }
    }
    /// The cursor was tampered with or belongs to another list.
    INVALID_CURSOR = BAD_REQUEST "invalid_cursor" {
        de: "Ungültiger Cursor", "Der Cursor gehört nicht zu dieser Liste. Bitte laden Sie die Liste von Anfang an.";
        en: "Invalid cursor", "The cursor does not belong to this list. Start again from the first page.";
    }
    /// A header has an invalid value.
    INVALID_HEADER = BAD_REQUEST "invalid_header" {
        de: "Ungültiger Header", "Der Header {header} ist ungültig.";
        en: "Invalid header", "The {header} header is invalid.";
    }
    /// The framework could not read the request.
    BAD_REQUEST = BAD_REQUEST "bad_request" {
        de: "Ungültige Anfrage", "Die Anfrage konnte nicht gelesen werden.";
        en: "Bad request", "The request could not be read.";
    }
    /// Credentials are missing, expired or revoked.
    UNAUTHENTICATED = UNAUTHORIZED "unauthenticated" {
        de: "Nicht angemeldet", "Die Zugangsdaten fehlen, sind abgelaufen oder wurden widerrufen. Bitte melden Sie sich an.";
        en: "Not authenticated", "Credentials are missing, expired or revoked. Sign in and try again.";
    }
    /// The caller lacks the permission.
    FORBIDDEN = FORBIDDEN "forbidden" {
        de: "Keine Berechtigung", "Für diese Aktion benötigen Sie die Berechtigung {permission}.";
        en: "Permission denied", "This action requires the {permission} permission.";
        members { fields: Texts "The fields that the caller may not set." }
    }
    /// The tenant has not licensed or enabled the feature.
    FEATURE_DISABLED = FORBIDDEN "feature_disabled" {
        de: "Funktion nicht freigeschaltet", "Die Funktion {feature} ist für diese Organisation nicht freigeschaltet.";
        en: "Feature not enabled", "The {feature} feature is not enabled for this organisation.";
    }
    /// A suspended or closing tenant is read-only.
    TENANT_SUSPENDED = FORBIDDEN "tenant_suspended" {
        de: "Organisation gesperrt", "Die Organisation ist gesperrt oder wird geschlossen. Daten können gelesen, aber nicht geändert werden.";
        en: "Organisation suspended", "The organisation is suspended or being closed. Its data can be read but not changed.";
    }
    /// The resource does not exist or is not visible to this caller.
    NOT_FOUND = NOT_FOUND "not_found" {
        de: "Nicht gefunden", "Die angeforderte Ressource wurde nicht gefunden.";
        en: "Resource not found", "The requested resource does not exist.";
    }
    /// The path exists, but not with this method.
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED "method_not_allowed" {
        de: "Methode nicht erlaubt", "Diese Methode ist hier nicht erlaubt. Die erlaubten Methoden stehen im Header Allow.";
        en: "Method not allowed", "This method is not allowed here. The Allow header lists the allowed methods.";
    }
    /// The response took longer than the time limit.
    TIMED_OUT = SERVICE_UNAVAILABLE "timed_out" {
        de: "Zeitüberschreitung", "Die Verarbeitung hat zu lange gedauert. Bitte versuchen Sie es später erneut.";
        en: "Request timed out", "The request took too long to process. Try again later.";
    }
    /// A conflict without a more specific kind.
    CONFLICT = CONFLICT "conflict" {
        de: "Konflikt", "Die Änderung steht im Widerspruch zum aktuellen Stand.";
        en: "Conflict", "The change conflicts with the current state of the resource.";
    }
    /// The client did not send the body in time.
    REQUEST_TIMEOUT = REQUEST_TIMEOUT "request_timeout" {
        de: "Anfrage zu langsam", "Der Inhalt der Anfrage kam nicht rechtzeitig an. Bitte senden Sie sie noch einmal.";
        en: "Request too slow", "The request body did not arrive in time. Send it again.";
    }
    /// `If-Match` names another version.
    PRECONDITION_FAILED = PRECONDITION_FAILED "precondition_failed" {
        de: "Zwischenzeitlich geändert", "Die Ressource wurde inzwischen geändert; die aktuelle Version ist {version}. Bitte laden Sie sie neu.";
        en: "Version conflict", "The resource has been changed since it was loaded; the current version is {version}. Reload it and try again.";
        members { current_version: Integer "The version that the resource has now." }
    }
    /// The body exceeds the limit.
    TOO_LARGE = PAYLOAD_TOO_LARGE "too_large" {
        de: "Inhalt zu groß", "Der Inhalt der Anfrage ist größer als {limit} Bytes.";
        en: "Content too large", "The request body is larger than {limit} bytes.";
    }
    /// An import with more rows than allowed.
    TOO_MANY_ROWS = PAYLOAD_TOO_LARGE "too_many_rows" {
        de: "Zu viele Zeilen", "Ein Import darf höchstens {limit} Zeilen enthalten. Bitte teilen Sie ihn auf.";
        en: "Too many rows", "An import can contain at most {limit} rows. Split it into several imports.";
    }
    /// The URI exceeds the limit.
    URI_TOO_LONG = URI_TOO_LONG "uri_too_long" {
        de: "Adresse zu lang", "Die Adresse der Anfrage ist zu lang.";
        en: "URI too long", "The request URI is too long.";
    }
    /// The client accepts no format of the answer.
    NOT_ACCEPTABLE = NOT_ACCEPTABLE "not_acceptable" {
        de: "Kein passendes Format", "Möglich sind diese Formate: {expected}.";
        en: "Not acceptable", "These formats are available: {expected}.";
    }
    /// The body has an unexpected media type.
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" {
        de: "Falscher Inhaltstyp", "Erwartet wird der Inhaltstyp {expected}.";
        en: "Unsupported media type", "Expected {expected}.";
    }
    /// Fields of a body or query are invalid; `errors` lists them.
    VALIDATION_FAILED = UNPROCESSABLE_ENTITY "validation_failed" {
        de: "Ungültige Eingaben", "Mindestens eine Angabe ist ungültig. Alle Fehler stehen in errors.";
        en: "Invalid input", "At least one value is invalid. See errors for details.";
    }
    /// The rate limit is exceeded.
    RATE_LIMITED = TOO_MANY_REQUESTS "rate_limited" {
        de: "Zu viele Anfragen", "Sie haben zu viele Anfragen gesendet. Bitte versuchen Sie es in {seconds} Sekunden erneut.";
        en: "Too many requests", "You have sent too many requests. Try again in {seconds} seconds.";
    }
    /// An unexpected error on our side.
    INTERNAL_ERROR = INTERNAL_SERVER_ERROR "internal_error" {
        de: "Interner Fehler", "Es ist ein unerwarteter Fehler aufgetreten. Bitte geben Sie bei Rückfragen die request_id an.";
        en: "Internal error", "Something went wrong on our side. Include the request_id when you contact support.";
    }
    /// Too many requests are in flight; this one was not started.
    OVERLOADED = SERVICE_UNAVAILABLE "overloaded" {
        de: "Überlastet", "Der Dienst ist zurzeit überlastet; die Anfrage wurde nicht bearbeitet. Bitte versuchen Sie es gleich noch einmal.";
        en: "Service overloaded", "The service is handling too many requests; this one was not processed. Try again in a moment.";
    }
    /// The database or a required provider is unavailable.
    UNAVAILABLE = SERVICE_UNAVAILABLE "unavailable" {
        de: "Vorübergehend nicht verfügbar", "Der Dienst ist vorübergehend nicht verfügbar. Bitte versuchen Sie es gleich noch einmal.";
        en: "Service unavailable", "The service is temporarily unavailable. Try again in a moment.";
        members { reason: Text "What a consumer of events said." }
    }
}

/// The kind for a status that the framework itself produced.
pub fn kind_of_status(status: http::StatusCode) -> &'static crate::ProblemKind {
    match status.as_u16() {
        401 => &UNAUTHENTICATED,
        403 => &FORBIDDEN,
        404 => &NOT_FOUND,
        405 => &METHOD_NOT_ALLOWED,
        409 => &CONFLICT,
        503 | 504 => &UNAVAILABLE,
        406 => &NOT_ACCEPTABLE,
        408 => &REQUEST_TIMEOUT,
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
