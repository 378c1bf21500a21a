//! What this context declares: its own tenant settings, and the flags and metrics of contexts that do not exist yet.

use access::{
    declarations::{Flag, FlagDeclaration, Included, MetricDeclaration, TextFormat, Texts},
    usage::Metric,
};

/// The locale of a tenant that never chose one.
pub(crate) const DEFAULT_LOCALE: &str = "de";

access::tenant_settings! {
    groups {
        "retention_days" as "RetentionDays" {
            de: "Aufbewahrung (Tage)", "Wie viele Tage Datensätze aufbewahrt werden.";
            en: "Retention (days)", "How many days records are kept.";
        }
    }
    settings {
        LOCALE: &str = "locale", text(TextFormat::Locale, DEFAULT_LOCALE) {
            de: "Sprache", "Die Standardsprache, dieselbe wie `locale` der Organisation.";
            en: "Language", "The default language, the same as the tenant's `locale`.";
        }
        AUDIT_RETENTION_DAYS: i32 = "retention_days.audit", integer(365, 3_650, 1_095) {
            de: "Änderungsprotokoll (Tage)", "Tage, die Einträge des Änderungsprotokolls aufbewahrt werden.";
            en: "Audit log (days)", "Days for entries of the audit log.";
        }
    }
    rules {}
}

const fn planned(name: &'static str, texts: Texts) -> FlagDeclaration {
    FlagDeclaration {
        name,
        on_by_default: false,
        texts,
    }
}

/// Language models and agents.
pub(crate) const AI: Flag = Flag::new(&planned(
    "ai",
    Texts::new(
        ["KI", "Sprachmodelle und Agenten."],
        ["AI", "Language models and agents."],
    ),
));

/// The flags of contexts that do not exist yet. Each moves to its context.
pub const PLANNED_FLAGS: &[Flag] = &[
    Flag::new(&planned(
        "ticketing",
        Texts::new(
            ["Veranstaltungen", "Veranstaltungen und Einlass."],
            ["Ticketing", "Events and admission."],
        ),
    )),
    Flag::new(&planned(
        "billing",
        Texts::new(
            ["Abrechnung", "Zahlungen und Rechnungen."],
            ["Billing", "Payments and invoices."],
        ),
    )),
    Flag::new(&planned(
        "consulting",
        Texts::new(
            ["Beratung", "Experten und Termine."],
            ["Consulting", "Experts and appointments."],
        ),
    )),
    Flag::new(&planned(
        "projects",
        Texts::new(
            ["Projekte", "Kunden, Projekte und Aufgaben."],
            ["Projects", "Clients, projects and tasks."],
        ),
    )),
    Flag::new(&planned(
        "childcare",
        Texts::new(
            ["Kinderbetreuung", "Betreuungsplätze und ihre Vergabe."],
            ["Childcare", "Childcare places and placements."],
        ),
    )),
    Flag::new(&planned(
        "messaging",
        Texts::new(
            ["Nachrichten", "Unterhaltungen."],
            ["Messaging", "Conversations."],
        ),
    )),
    AI,
];

/// Tokens of language models.
pub(crate) const LLM_TOKENS: Metric = Metric::new(&MetricDeclaration {
    name: "llm_tokens",
    limit_name: "llm_tokens_per_month",
    is_level: false,
    included: Included {
        trial: 100_000,
        standard: 2_000_000,
        enterprise: 20_000_000,
    },
    usable_after_expiry: false,
    texts: Texts::new(
        ["KI-Tokens", "Tokens von Sprachmodellen pro Monat."],
        ["AI tokens", "Language model tokens per month."],
    ),
});

/// The metrics of contexts that do not exist yet. Each moves to its context.
pub const PLANNED_METRICS: &[Metric] = &[LLM_TOKENS];
