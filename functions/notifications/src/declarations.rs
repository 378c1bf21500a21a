//! What this context declares for tenancy: its tenant settings.

use access::declarations::TextFormat;

access::tenant_settings! {
    groups {
        "branding" as "Branding" {
            de: "Erscheinungsbild", "Name, Farbe und Logo der Organisation.";
            en: "Branding", "The name, colour and logo of the tenant.";
        }
        "mail_sender" as "MailSender" {
            de: "Absender", "Der Absender von E-Mails. Ohne Angabe der Absender der Plattform.";
            en: "Sender", "The sender of emails. Defaults to the platform's.";
        }
    }
    settings {
        BRANDING_NAME: Option<&str> = "branding.name", optional_text(TextFormat::Line(80)) {
            de: "Name", "Der Name in Überschriften. Ohne Angabe der Name der Organisation.";
            en: "Name", "The name shown in headings. Defaults to the tenant's name.";
        }
        BRANDING_COLOUR: Option<&str> = "branding.colour", optional_text(TextFormat::Colour) {
            de: "Farbe", "Die Farbe als `#rrggbb`.";
            en: "Colour", "The colour, as `#rrggbb`.";
        }
        BRANDING_LOGO_URL: Option<&str> = "branding.logo_url", optional_text(TextFormat::Url) {
            de: "Logo", "Die Adresse des Logos.";
            en: "Logo", "The URL of the logo.";
        }
        SENDER_NAME: Option<&str> = "mail_sender.name", optional_text(TextFormat::Line(80)) {
            de: "Name", "Der Absendername, den Empfänger sehen.";
            en: "Name", "The sender name that recipients see.";
        }
        SENDER_ADDRESS: Option<&str> = "mail_sender.address", optional_text(TextFormat::Email) {
            de: "Adresse", "Die Adresse, an die Antworten gesendet werden.";
            en: "Address", "The address that replies are sent to.";
        }
    }
    rules {}
}
