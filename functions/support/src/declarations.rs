//! What this context declares for others: its feature flag, its tenant settings, and tickets as resources with files.

use access::declarations::{
    Flag, FlagDeclaration, ResourceType, ResourceTypeDeclaration, TextFormat, Texts,
};

/// Switches this context on for a tenant.
pub const FLAG: Flag = Flag::new(&FlagDeclaration {
    name: "support",
    on_by_default: true,
    texts: Texts::new(["Support", "Tickets."], ["Support", "Tickets."]),
});

/// A ticket; its grants are issued by this context.
pub(crate) const TICKET: ResourceType = ResourceType::new(&ResourceTypeDeclaration {
    name: "ticket",
    texts: Texts::new(
        ["Ticket", "Ein Ticket mit seinen Anhängen."],
        ["Ticket", "A ticket with its attachments."],
    ),
});

/// The resources of this context that have files.
pub const FILE_RESOURCES: &[ResourceType] = &[TICKET];

/// The minimum and maximum number of hours in a target time: at most a year.
const MIN_HOURS: i32 = 1;
const MAX_HOURS: i32 = 8_760;

access::tenant_settings! {
    groups {
        "sla" as "Sla" {
            de: "Zielzeiten", "Die Zielzeiten für die Beantwortung und Lösung von Tickets.";
            en: "Target times", "The target times for answering and resolving tickets.";
        }
        "sla.first_response_hours" as "FirstResponseHours" {
            de: "Erste Antwort (Stunden)", "Stunden bis zur ersten Antwort, nach Priorität des Tickets.";
            en: "First response (hours)", "Hours until the first response, by ticket priority.";
        }
        "sla.resolution_hours" as "ResolutionHours" {
            de: "Lösung (Stunden)", "Stunden bis zur Lösung, nach Priorität des Tickets. Nie weniger als bis zur ersten Antwort.";
            en: "Resolution (hours)", "Hours until the resolution, by ticket priority. Never less than until the first response.";
        }
    }
    settings {
        TICKET_CATEGORIES: Vec<&str> = "ticket_categories",
            list(TextFormat::LowerCaseLine(40), 1, 50, &["account", "billing", "bug", "question", "request", "other"]) {
            de: "Ticketkategorien", "Die Kategorien, die Tickets haben können: 1 bis 50 verschiedene Zeilen in Kleinbuchstaben.";
            en: "Ticket categories", "The categories that tickets can have: 1 to 50 unique lines in lower case.";
        }
        RETENTION_DAYS: i32 = "retention_days.tickets", integer(30, 3_650, 1_095) {
            de: "Geschlossene Tickets (Tage)", "Tage, die geschlossene Tickets aufbewahrt werden.";
            en: "Closed tickets (days)", "Days for closed tickets.";
        }
        FIRST_RESPONSE_URGENT: i32 = "sla.first_response_hours.urgent", integer(MIN_HOURS, MAX_HOURS, 2) {
            de: "Dringend", "Für dringende Tickets.";
            en: "Urgent", "For urgent tickets.";
        }
        FIRST_RESPONSE_HIGH: i32 = "sla.first_response_hours.high", integer(MIN_HOURS, MAX_HOURS, 8) {
            de: "Hoch", "Für Tickets mit hoher Priorität.";
            en: "High", "For tickets of high priority.";
        }
        FIRST_RESPONSE_MEDIUM: i32 = "sla.first_response_hours.medium", integer(MIN_HOURS, MAX_HOURS, 24) {
            de: "Mittel", "Für Tickets mit mittlerer Priorität.";
            en: "Medium", "For tickets of medium priority.";
        }
        FIRST_RESPONSE_LOW: i32 = "sla.first_response_hours.low", integer(MIN_HOURS, MAX_HOURS, 72) {
            de: "Niedrig", "Für Tickets mit niedriger Priorität.";
            en: "Low", "For tickets of low priority.";
        }
        RESOLUTION_URGENT: i32 = "sla.resolution_hours.urgent", integer(MIN_HOURS, MAX_HOURS, 24) {
            de: "Dringend", "Für dringende Tickets.";
            en: "Urgent", "For urgent tickets.";
        }
        RESOLUTION_HIGH: i32 = "sla.resolution_hours.high", integer(MIN_HOURS, MAX_HOURS, 72) {
            de: "Hoch", "Für Tickets mit hoher Priorität.";
            en: "High", "For tickets of high priority.";
        }
        RESOLUTION_MEDIUM: i32 = "sla.resolution_hours.medium", integer(MIN_HOURS, MAX_HOURS, 168) {
            de: "Mittel", "Für Tickets mit mittlerer Priorität.";
            en: "Medium", "For tickets of medium priority.";
        }
        RESOLUTION_LOW: i32 = "sla.resolution_hours.low", integer(MIN_HOURS, MAX_HOURS, 336) {
            de: "Niedrig", "Für Tickets mit niedriger Priorität.";
            en: "Low", "For tickets of low priority.";
        }
    }
    rules {
        "sla.first_response_hours.urgent" <= "sla.resolution_hours.urgent": "exceeds_resolution_hours" {
            de: "darf resolution_hours nicht überschreiten";
            en: "must not exceed resolution_hours";
        }
        "sla.first_response_hours.high" <= "sla.resolution_hours.high": "exceeds_resolution_hours" {
            de: "darf resolution_hours nicht überschreiten";
            en: "must not exceed resolution_hours";
        }
        "sla.first_response_hours.medium" <= "sla.resolution_hours.medium": "exceeds_resolution_hours" {
            de: "darf resolution_hours nicht überschreiten";
            en: "must not exceed resolution_hours";
        }
        "sla.first_response_hours.low" <= "sla.resolution_hours.low": "exceeds_resolution_hours" {
            de: "darf resolution_hours nicht überschreiten";
            en: "must not exceed resolution_hours";
        }
    }
}
