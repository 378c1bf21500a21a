//! Refusals of this crate.

web::problems! {
    /// The same Idempotency-Key came with another body.
    IDEMPOTENCY_KEY_REUSED = UNPROCESSABLE_ENTITY "idempotency_key_reused" {
        de: "Idempotency-Key schon benutzt", "Dieser Schlüssel gehört zu einer Anfrage mit anderem Inhalt.";
        en: "Idempotency-Key already used", "This key belongs to a request with another body.";
    }
    /// The first request with this Idempotency-Key is still running.
    IDEMPOTENCY_KEY_IN_FLIGHT = CONFLICT "idempotency_key_in_flight" {
        de: "Anfrage läuft noch", "Die erste Anfrage mit diesem Schlüssel läuft noch. Bitte gleich noch einmal versuchen.";
        en: "Request still running", "The first request with this key is still running. Please try again in a moment.";
    }
    /// Two credentials in one request: which one counts must not be guessed (RFC 6750, 3.1).
    SEVERAL_CREDENTIALS = BAD_REQUEST "several_credentials" {
        de: "Mehr als ein Zugang", "Die Anfrage trägt mehr als einen Zugang. Bitte entweder Authorization oder X-API-Key senden, und nur einmal.";
        en: "More than one credential", "The request carries more than one credential. Please send either Authorization or X-API-Key, and only once.";
    }
    /// Somebody who looks at another's account tries to change something.
    IMPERSONATION_READ_ONLY = FORBIDDEN "impersonation_read_only" {
        de: "Nur lesen", "Wer das Konto einer anderen Person ansieht, kann nichts ändern.";
        en: "Read only", "Whoever looks at another person's account can't change anything.";
    }
    /// The organisation demands a second factor of this role, and the person has none yet.
    MFA_ENROLMENT_REQUIRED = FORBIDDEN "mfa_enrolment_required" {
        de: "Zweiter Faktor fehlt", "Die Organisation verlangt für diese Rolle einen zweiten Faktor. Bitte zuerst einen einrichten.";
        en: "Second factor missing", "The organisation demands a second factor of this role. Please set one up first.";
    }
    /// The person has a second factor, and this session was begun without it.
    INSUFFICIENT_AAL = FORBIDDEN "insufficient_aal" {
        de: "Zweiter Faktor nötig", "Diese Sitzung ist ohne den zweiten Faktor begonnen worden. Bitte ihn bei /auth/reauthenticate nachreichen.";
        en: "Second factor needed", "This session was begun without the second factor. Please prove it at /auth/reauthenticate.";
    }
    /// The session's last proof is too old for what was asked.
    REAUTHENTICATION_NEEDED = FORBIDDEN "reauthentication_needed" {
        de: "Bitte erneut ausweisen", "Dafür müssen Passwort oder Code in den letzten 10 Minuten geprüft worden sein. Bitte bei /auth/reauthenticate nachholen.";
        en: "Please prove it again", "This wants a password or code proved within the last 10 minutes. Please do so at /auth/reauthenticate.";
    }
    /// The licence allows no more of it in this period.
    QUOTA_EXCEEDED = TOO_MANY_REQUESTS "quota_exceeded" {
        de: "Kontingent aufgebraucht", "Die Lizenz der Organisation erlaubt nicht mehr als {limit} ({metric}); period_end sagt, wann es von vorn beginnt.";
        en: "Quota used up", "The organisation's licence allows no more than {limit} ({metric}); period_end says when it begins anew.";
    }
    /// A superadmin acts in another tenant without saying why: with `X-Tenant-Id`, or by changing what the path names.
    REASON_REQUIRED = BAD_REQUEST "reason_required" {
        de: "Begründung fehlt", "Wer in einer anderen Organisation handelt, nennt in X-Reason den Grund (3 bis 500 Zeichen).";
        en: "Reason missing", "Whoever acts in another organisation states the reason in X-Reason (3 to 500 characters).";
    }
}
