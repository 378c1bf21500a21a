//! Refusals of this context, and which constraint means which.

use db::DbError;
use web::Problem;

use crate::domain::life_cycle::{Refused, Step};

web::problems! {
    /// Another tenant has the slug.
    SLUG_TAKEN = CONFLICT "slug_taken" {
        de: "Kurzname vergeben", "Eine andere Organisation heißt schon {slug}.";
        en: "Slug taken", "Another organisation has the slug {slug}.";
    }
    /// The tenant can't take this step from where it stands.
    STEP_NOT_POSSIBLE = CONFLICT "step_not_possible" {
        de: "Schritt nicht möglich", "Die Organisation steht auf {from}; von dort aus möglich: {possible}.";
        en: "Step not possible", "The organisation is {from}; from there is possible: {possible}.";
    }
    /// The platform's own tenant is neither suspended nor closed: nobody could undo it.
    PLATFORM_TENANT = CONFLICT "platform_tenant" {
        de: "Organisation der Plattform", "Die Organisation der Plattform selbst kann weder gesperrt noch geschlossen werden.";
        en: "The platform's organisation", "The platform's own organisation can be neither suspended nor closed.";
    }
    /// The tenant has claimed the host already.
    DOMAIN_KNOWN = CONFLICT "domain_known" {
        de: "Domain schon eingetragen", "{host} steht schon in der Liste der Domains.";
        en: "Domain already listed", "{host} is in the list of domains already.";
    }
    /// So many claims are no frontends.
    TOO_MANY_DOMAINS = CONFLICT "too_many_domains" {
        de: "Zu viele Domains", "Eine Organisation kann höchstens {most} Domains eintragen.";
        en: "Too many domains", "An organisation can list at most {most} domains.";
    }
    /// The proof of a claim was found nowhere.
    DOMAIN_NOT_PROVED = CONFLICT "domain_not_proved" {
        de: "Nachweis nicht gefunden", "Für {host} wurde weder der DNS-Eintrag noch die Datei gefunden. Neue DNS-Einträge brauchen manchmal Stunden.";
        en: "Proof not found", "Neither the DNS record nor the file was found for {host}. New DNS records sometimes take hours.";
    }
    /// Another tenant has proved the host.
    DOMAIN_TAKEN = CONFLICT "domain_taken" {
        de: "Domain vergeben", "{host} gehört schon zu einer anderen Organisation.";
        en: "Domain taken", "{host} belongs to another organisation already.";
    }
    /// A key that has ended is prolonged before it is rotated.
    API_KEY_EXPIRED = CONFLICT "api_key_expired" {
        de: "Schlüssel abgelaufen", "Der Schlüssel ist abgelaufen. Bitte zuerst expires_at verlängern.";
        en: "Key has ended", "The key has ended. Please prolong expires_at first.";
    }
    /// A key would be allowed more than whoever makes it.
    SCOPE_EXCEEDS_PERMISSIONS = FORBIDDEN "scope_exceeds_permissions" {
        de: "Mehr als die eigenen Rechte", "Ein Schlüssel darf nicht mehr als die Person, die ihn anlegt, verlängert oder erneuert; es fehlen: {scopes}.";
        en: "More than your own permissions", "A key can't be allowed more than whoever makes, prolongs or rotates it; missing are: {scopes}.";
    }
}

/// A step of a tenant's life that is not possible.
pub(crate) fn of_step(refused: Refused) -> Problem {
    let possible: Vec<&str> = refused.possible.into_iter().map(Step::as_str).collect();
    let named = if possible.is_empty() {
        "-".to_owned()
    } else {
        possible.join(", ")
    };
    STEP_NOT_POSSIBLE
        .problem()
        .argument("from", refused.from)
        .argument("possible", named)
        .member("possible_steps", possible)
}

/// What the database refuses while a tenant is founded.
pub(crate) fn of_founding(error: DbError, slug: &str) -> Problem {
    if error.is_constraint("tenants_slug_key") {
        SLUG_TAKEN.problem().argument("slug", slug)
    } else {
        error.into()
    }
}
