//! What this context declares for tenancy: its tenant settings.

use access::declarations::TextFormat;

/// Anyone may register.
pub(crate) const REGISTRATION_OPEN: &str = "open";

access::tenant_settings! {
    groups {
        "session" as "SessionLifetime" {
            de: "Sitzungen", "Wie lange ein Gerät angemeldet bleibt.";
            en: "Sessions", "How long a device stays signed in.";
        }
        "password_policy" as "PasswordPolicy" {
            de: "Passwörter", "Die Anforderungen an Passwörter.";
            en: "Passwords", "The requirements for passwords.";
        }
        "sign_in" as "SignIn" {
            de: "Anmeldung", "Die Anmeldedienste, die bei der Anmeldung angeboten werden.";
            en: "Sign-in", "The identity providers that are offered at sign-in.";
        }
    }
    settings {
        REGISTRATION: &str = "registration",
            choice("Registration", &[REGISTRATION_OPEN, "invite", "closed"], REGISTRATION_OPEN) {
            de: "Registrierung", "Wer sich registrieren kann: alle, nur Eingeladene oder niemand.";
            en: "Registration", "Who may register: anyone, invited people only, or no one.";
        }
        SESSION_IDLE_DAYS: i32 = "session.idle_days", integer(1, 90, 30) {
            de: "Abmeldung bei Inaktivität (Tage)", "Tage ohne Aktivität, nach denen ein Gerät abgemeldet wird.";
            en: "Idle timeout (days)", "Days without activity.";
        }
        SESSION_ABSOLUTE_DAYS: i32 = "session.absolute_days", integer(1, 365, 90) {
            de: "Höchstdauer einer Sitzung (Tage)", "Tage insgesamt, nie weniger als `idle_days`.";
            en: "Maximum session duration (days)", "Days in total, never less than `idle_days`.";
        }
        PASSWORD_MIN_LENGTH: i32 = "password_policy.min_length", integer(10, 64, 10) {
            de: "Mindestlänge", "Die Mindestanzahl an Zeichen.";
            en: "Minimum length", "The minimum number of characters.";
        }
        MAGIC_LINK: bool = "magic_link", boolean(true) {
            de: "Anmeldung per Link", "Ob sich Benutzer mit einem Link anmelden können, den sie per E-Mail erhalten.";
            en: "Sign-in by link", "Whether users can sign in with a link sent by email.";
        }
        IMPERSONATION_BY_ADMINS: bool = "impersonation_by_admins", boolean(false) {
            de: "Konten ansehen", "Ob Administratoren die Konten von Benutzern mit einer niedrigeren Rolle ansehen können. Der Zugriff ist nur lesend, und der Benutzer wird benachrichtigt.";
            en: "View accounts", "Whether admins can view the accounts of users with a lower role. Access is read-only, and the user is notified.";
        }
        SIGN_IN_PROVIDERS: Option<Vec<&str>> = "sign_in.providers", optional_list(TextFormat::Slug, 0, 20) {
            de: "Anmeldedienste", "Die Namen der angebotenen Dienste, wie sie `GET /auth/oauth/providers` nennt. `null` bedeutet alle Dienste der Plattform, eine leere Liste keinen.";
            en: "Identity providers", "The names of the offered providers, as returned by `GET /auth/oauth/providers`. `null` means all providers of the platform, an empty list means none.";
        }
    }
    rules {
        "session.idle_days" <= "session.absolute_days": "exceeds_absolute_days" {
            de: "darf absolute_days nicht überschreiten";
            en: "must not exceed absolute_days";
        }
    }
}
