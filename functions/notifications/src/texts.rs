//! The texts of messages: `templates/<template>.<language>.{subject,txt,html}`, compiled in.
//!
//! Values in HTML are escaped. A missing variable is an error.

use std::sync::LazyLock;

use minijinja::{Environment, Error, UndefinedBehavior, Value};
use web::Language;

use crate::domain::{mail_content::MailContent, template::Template};

macro_rules! files {
    ($($template:literal),+ $(,)?) => {
        &[$(
            files!(@ $template, "de", "subject"), files!(@ $template, "de", "txt"), files!(@ $template, "de", "html"),
            files!(@ $template, "en", "subject"), files!(@ $template, "en", "txt"), files!(@ $template, "en", "html"),
        )+]
    };
    (@ $template:literal, $language:literal, $part:literal) => {
        (
            concat!($template, ".", $language, ".", $part),
            include_str!(concat!("../templates/", $template, ".", $language, ".", $part)),
        )
    };
}

static FILES: &[(&str, &str)] = files![
    "ticket_opened",
    "ticket_assigned",
    "ticket_resolved",
    "ticket_closed",
    "ticket_commented",
    "verify_email",
    "invite",
    "reset_password",
    "account_viewed",
    "mfa_enabled",
    "mfa_disabled",
    "magic_link",
    "change_email",
    "email_change_asked",
    "password_changed",
    "new_device",
    "email_replaced",
    "role_changed",
    "identity_linked",
    "identity_unlinked",
    "recovery_code_used",
    "quota_warning",
    "tenant_past_due",
    "tenant_suspended",
    "tenant_reactivated",
    "tenant_closing",
    "api_key_expiring",
    "domain_failing",
    "domain_released",
];

/// A template that does not parse fails every message; the tests render each of them.
static TEXTS: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(load_templates);

fn load_templates() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("layout.html", include_str!("../templates/layout.html"))?;
    for (name, source) in FILES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// A text could not be rendered. Names the template and the variable, not the values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template {template}: {reason}")]
pub(crate) struct TextError {
    template: String,
    reason: String,
}

/// The body of a message.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) text: String,
    pub(crate) html: String,
}

/// Renders the subject, always on one line.
pub(crate) fn render_subject(
    template: Template,
    language: Language,
    content: &MailContent<'_>,
) -> Result<String, TextError> {
    let text = render(
        template,
        language,
        "subject",
        Value::from_pairs(content.variables()),
    )?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Renders the body as plain text and HTML.
pub(crate) fn render_body(
    template: Template,
    language: Language,
    subject: &str,
    content: &MailContent<'_>,
) -> Result<Body, TextError> {
    let body_variables = [("subject", subject), ("language", language.tag())];
    let values = Value::from_pairs(content.variables().chain(body_variables));
    Ok(Body {
        text: render(template, language, "txt", values.clone())?,
        html: render(template, language, "html", values)?,
    })
}

fn render(
    template: Template,
    language: Language,
    part: &str,
    values: Value,
) -> Result<String, TextError> {
    let name = format!("{template}.{}.{part}", language.tag());
    let rendered = TEXTS.as_ref().map_err(Error::to_string).and_then(|texts| {
        let text = texts
            .get_template(&name)
            .and_then(|text| text.render(values));
        text.map_err(|error| error.to_string())
    });
    rendered.map_err(|reason| TextError {
        template: name,
        reason,
    })
}

#[cfg(test)]
mod tests;
