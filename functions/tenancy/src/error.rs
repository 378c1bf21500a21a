//! Refusals of this context, and the database constraints that lead to them.

use db::DbError;
use web::{
    Localized, Problem,
    problem::{FieldCode, FieldError, Result},
};

use crate::domain::life_cycle::{Step, StepRefused};

web::problems! {
    /// Another tenant has the slug.
    SLUG_TAKEN = CONFLICT "slug_taken" {
        de: "Kurzname vergeben", "Der Kurzname {slug} ist bereits vergeben. Bitte wählen Sie einen anderen.";
        en: "Slug taken", "The slug {slug} is already taken. Choose a different one.";
    }
    /// The step is not possible in the tenant's current status.
    STEP_NOT_POSSIBLE = CONFLICT "step_not_possible" {
        de: "Schritt nicht möglich", "Im Status {from} ist dieser Schritt nicht möglich. Mögliche Schritte: {possible}.";
        en: "Step not possible", "This step is not possible while the organisation is {from}. Possible steps: {possible}.";
        members { possible_steps: Texts "The steps that are possible now." }
    }
    /// The platform's own tenant can be neither suspended nor closed, because that could not be undone.
    PLATFORM_TENANT = CONFLICT "platform_tenant" {
        de: "Organisation der Plattform", "Der Status der plattformeigenen Organisation kann nicht geändert werden.";
        en: "Platform organisation", "The status of the platform's own organisation cannot be changed.";
    }
    /// The tenant has already claimed the host.
    DOMAIN_KNOWN = CONFLICT "domain_known" {
        de: "Domain bereits eingetragen", "Die Domain {host} ist bereits eingetragen.";
        en: "Domain already claimed", "The domain {host} is already in your list of domains.";
    }
    /// The tenant has the highest possible number of domains.
    TOO_MANY_DOMAINS = CONFLICT "too_many_domains" {
        de: "Zu viele Domains", "Eine Organisation kann höchstens {most} Domains eintragen. Bitte entfernen Sie zuerst eine andere.";
        en: "Too many domains", "An organisation can have at most {most} domains. Remove one first.";
    }
    /// The proof was found neither in the DNS nor in the file.
    DOMAIN_NOT_PROVED = CONFLICT "domain_not_proved" {
        de: "Nachweis nicht gefunden", "Für {host} wurde weder der DNS-Eintrag noch die Datei gefunden. Bis neue DNS-Einträge sichtbar sind, können einige Stunden vergehen.";
        en: "Proof not found", "Neither the DNS record nor the file was found for {host}. New DNS records can take several hours to become visible.";
        members { findings: Object "What was found in DNS and on the host." }
    }
    /// Another tenant has verified the host.
    DOMAIN_TAKEN = CONFLICT "domain_taken" {
        de: "Domain vergeben", "Die Domain {host} gehört bereits zu einer anderen Organisation.";
        en: "Domain taken", "The domain {host} already belongs to another organisation.";
    }
    /// An expired key must be extended before it can be rotated.
    API_KEY_EXPIRED = CONFLICT "api_key_expired" {
        de: "API-Schlüssel abgelaufen", "Dieser API-Schlüssel ist abgelaufen. Bitte verlängern Sie zuerst expires_at.";
        en: "Key expired", "This API key has expired. Extend expires_at first.";
    }
    /// The key would have permissions that the caller does not have.
    SCOPE_EXCEEDS_PERMISSIONS = FORBIDDEN "scope_exceeds_permissions" {
        de: "Unzureichende Berechtigungen", "Ein API-Schlüssel kann nur Berechtigungen haben, die Sie selbst haben. Ihnen fehlen: {scopes}.";
        en: "Scope exceeds permissions", "An API key can only have permissions that you have yourself. You lack: {scopes}.";
        members { scopes: Texts "The scopes that the caller lacks." }
    }
}

/// A step that is not possible in the tenant's current status.
pub(crate) fn step_not_possible(refused: StepRefused) -> Problem {
    let possible: Vec<&str> = refused.possible.into_iter().map(Step::as_str).collect();
    let names = if possible.is_empty() {
        "-".to_owned()
    } else {
        possible.join(", ")
    };
    STEP_NOT_POSSIBLE
        .problem()
        .argument("from", refused.from)
        .argument("possible", names)
        .member("possible_steps", possible)
}

/// An error of the database while a tenant is created.
pub(crate) fn slug_taken(error: DbError, slug: &str) -> Problem {
    if error.is_constraint("tenants_slug_key") {
        SLUG_TAKEN.problem().argument("slug", slug)
    } else {
        error.into()
    }
}

/// Refuses the request if there are any errors.
pub(crate) fn reject_invalid(errors: impl IntoIterator<Item = FieldError>) -> Result<()> {
    let errors: Vec<FieldError> = errors.into_iter().collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(errors))
    }
}

/// For a time that must be in the future and is not.
pub(crate) fn in_the_past() -> FieldCode {
    FieldCode::Rule(
        "in_the_past",
        Localized {
            de: "muss in der Zukunft liegen",
            en: "must be in the future",
        },
    )
}
