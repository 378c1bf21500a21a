//! Problem kinds of this crate.

web::problems! {
    /// The Idempotency-Key was used with a different body.
    IDEMPOTENCY_KEY_REUSED = UNPROCESSABLE_ENTITY "idempotency_key_reused" {
        de: "Idempotency-Key bereits verwendet", "Dieser Schlüssel wurde bereits für eine Anfrage mit anderem Inhalt verwendet.";
        en: "Idempotency-Key already used", "This key was already used for a request with a different body.";
    }
    /// The first request with this Idempotency-Key is still running.
    IDEMPOTENCY_KEY_IN_FLIGHT = CONFLICT "idempotency_key_in_flight" {
        de: "Anfrage wird noch bearbeitet", "Die erste Anfrage mit diesem Schlüssel wird noch bearbeitet. Bitte versuchen Sie es gleich noch einmal.";
        en: "Request in progress", "The first request with this key is still in progress. Try again in a moment.";
    }
    /// The request carries two credentials. Which one applies must not be guessed (RFC 6750, 3.1).
    SEVERAL_CREDENTIALS = BAD_REQUEST "several_credentials" {
        de: "Mehrere Zugangsdaten", "Die Anfrage enthält mehr als einen Satz Zugangsdaten. Bitte senden Sie entweder Authorization oder X-API-Key, und nur einmal.";
        en: "Multiple credentials", "The request contains more than one credential. Send either Authorization or X-API-Key, once.";
    }
    /// An impersonating session is read-only.
    IMPERSONATION_READ_ONLY = FORBIDDEN "impersonation_read_only" {
        de: "Nur Lesezugriff", "In der Ansicht eines anderen Kontos sind keine Änderungen möglich.";
        en: "Impersonation is read-only", "You cannot make changes while viewing another person's account.";
    }
    /// The organisation requires a second factor for this role, and the person has none yet.
    MFA_ENROLMENT_REQUIRED = FORBIDDEN "mfa_enrolment_required" {
        de: "Zweiter Faktor fehlt", "Ihre Organisation verlangt für diese Rolle einen zweiten Faktor. Bitte richten Sie zuerst einen ein.";
        en: "Second factor missing", "Your organisation requires a second factor for this role. Set one up first.";
    }
    /// The person has a second factor, but this session was started without it.
    INSUFFICIENT_AAL = FORBIDDEN "insufficient_aal" {
        de: "Zweiter Faktor erforderlich", "Diese Sitzung wurde ohne den zweiten Faktor gestartet. Bitte bestätigen Sie ihn über /auth/reauthenticate.";
        en: "Second factor required", "This session was started without the second factor. Verify it at /auth/reauthenticate.";
    }
    /// The session's last authentication is too old for a sensitive operation.
    REAUTHENTICATION_NEEDED = FORBIDDEN "reauthentication_needed" {
        de: "Erneute Anmeldung erforderlich", "Für diese Aktion muss Ihre Anmeldung in den letzten 10 Minuten bestätigt worden sein. Bitte bestätigen Sie sie über /auth/reauthenticate.";
        en: "Reauthentication required", "This action requires authentication within the last 10 minutes. Confirm your password or code at /auth/reauthenticate.";
    }
    /// An API key called an operation that is only for people.
    NOT_A_PERSON = FORBIDDEN "not_a_person" {
        de: "Nur für Personen", "Mit einem API-Schlüssel ist das nicht möglich. Bitte melden Sie sich mit einem Benutzerkonto an.";
        en: "Users only", "This is not possible with an API key. Sign in as a user.";
    }
    /// The licence's quota for this period is used up.
    /// Platform staff outside of any organisation.
    TENANT_REQUIRED = BAD_REQUEST "tenant_required" {
        de: "Organisation fehlt", "Nennen Sie in X-Tenant-Id die Organisation, in der Sie arbeiten, und in X-Reason den Grund.";
        en: "Organisation required", "Name the organisation in which you work in X-Tenant-Id, and the reason in X-Reason.";
    }
    /// Changes of a list of which the caller sees only a part.
    SYNC_NOT_AVAILABLE = FORBIDDEN "sync_not_available" {
        de: "Keine Änderungsliste", "Änderungen (sync) gibt es nur für Listen, die Sie ganz sehen können.";
        en: "Sync not available", "Changes (sync) are available only for lists that you can see as a whole.";
    }
    /// A token of changes that is too old.
    SYNC_EXPIRED = GONE "sync_expired" {
        de: "Stand zu alt", "Seit diesem Stand sind mehr als 90 Tage vergangen. Bitte laden Sie die Liste neu, mit leerem sync.";
        en: "Sync token expired", "The token is older than 90 days. Load the list again, with an empty sync.";
    }
    QUOTA_EXCEEDED = TOO_MANY_REQUESTS "quota_exceeded" {
        de: "Kontingent aufgebraucht", "Die Lizenz der Organisation erlaubt höchstens {limit} ({metric}). Das Kontingent wird zum Zeitpunkt period_end zurückgesetzt.";
        en: "Quota exceeded", "The organisation's licence allows at most {limit} ({metric}). The quota resets at period_end.";
        members { metric: Text "What is limited.", limit: Integer "How much the licence allows.", period_end: Time "When the quota resets; null if it never does." }
    }
    /// A superadmin acts in another tenant without a reason: with `X-Tenant-Id`, or by changing a resource under its path.
    REASON_REQUIRED = BAD_REQUEST "reason_required" {
        de: "Begründung fehlt", "Für Aktionen in einer anderen Organisation ist eine Begründung in X-Reason erforderlich (3 bis 500 Zeichen).";
        en: "Reason missing", "Acting in another organisation requires a reason in X-Reason (3 to 500 characters).";
    }
}
