//! The texts of messages: `templates/<template>.<language>.{subject,txt,html}`, compiled in.
//!
//! What is filled into HTML is escaped; a variable that is missing is an error, never a gap.

use std::sync::LazyLock;

use minijinja::{Environment, Error, UndefinedBehavior, Value};
use web::Language;

use crate::domain::{letter::Letter, template::Template};

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
    "quota_warning",
    "tenant_past_due",
    "tenant_suspended",
    "tenant_reactivated",
    "tenant_closing",
    "api_key_expiring",
    "domain_failing",
    "domain_released",
];

/// One that does not parse is found by the tests, and until then fails each message that needs any.
static TEXTS: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(load);

fn load() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("layout.html", include_str!("../templates/layout.html"))?;
    for (name, source) in FILES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// Why a text can't be written. Names a template and a variable, nothing of its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template {template}: {reason}")]
pub(crate) struct TextError {
    template: String,
    reason: String,
}

/// A message's text, twice.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) text: String,
    pub(crate) html: String,
}

/// The subject, on one line whatever was filled in.
pub(crate) fn subject(
    template: Template,
    language: Language,
    letter: &Letter<'_>,
) -> Result<String, TextError> {
    let text = render(
        template,
        language,
        "subject",
        Value::from_pairs(letter.variables()),
    )?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The text in both forms.
pub(crate) fn body(
    template: Template,
    language: Language,
    subject: &str,
    letter: &Letter<'_>,
) -> Result<Body, TextError> {
    let more = [("subject", subject), ("language", language.tag())];
    let values = Value::from_pairs(letter.variables().chain(more));
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
