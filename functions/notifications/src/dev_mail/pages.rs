//! Renders the pages.

use std::sync::LazyLock;

use minijinja::{Environment, Error, UndefinedBehavior, Value, context};

use super::parsed_mail::{ParsedMail, TextSpan, split_links};

/// Pages that emails link to and that only a frontend serves: path, heading, description.
pub(super) static PLACEHOLDERS: [(&str, &str, &str); 1] = [(
    "/tickets/{id}",
    "Ticket",
    "A frontend shows the ticket here, with data from /api/v1/tickets.",
)];

static PAGES: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    pages.add_template("frame.html", include_str!("frame.html"))?;
    pages.add_template("list.html", include_str!("list.html"))?;
    pages.add_template("mail.html", include_str!("mail.html"))?;
    pages.add_template("page.html", include_str!("page.html"))?;
    Ok(pages)
});

fn render(name: &str, values: Value) -> Result<String, Error> {
    let pages = PAGES
        .as_ref()
        .map_err(|error| Error::new(error.kind(), error.to_string()))?;
    pages.get_template(name)?.render(values)
}

/// Renders the list; `older` is the number of emails that are not listed.
pub(super) fn list(mails: &[ParsedMail], older: usize) -> Result<String, Error> {
    let mails: Vec<Value> = mails.iter().map(mail_values).collect();
    render("list.html", context! { title => "Emails", mails, older })
}

/// Renders one email.
pub(super) fn mail(mail: &ParsedMail, public_url: &str) -> Result<String, Error> {
    let spans = split_links(&mail.text);
    let command = spans.iter().find_map(|span| curl_command(span, public_url));
    let text: Vec<Value> = spans
        .iter()
        .map(|span| context! { text => span.text, is_link => span.is_link })
        .collect();
    let (title, mail) = (mail.subject.as_str(), mail_values(mail));
    render("mail.html", context! { title, mail, text, command })
}

/// Renders a placeholder for a page of a frontend.
pub(super) fn placeholder(title: &str, description: &str) -> Result<String, Error> {
    render("page.html", context! { title, description })
}

fn mail_values(mail: &ParsedMail) -> Value {
    context! {
        id => mail.id.to_string(), subject => mail.subject.as_str(), from => mail.from.as_str(),
        to => mail.to.as_str(), time => mail.time.as_str(),
    }
}

/// The command that does the same as a frontend with this link.
fn curl_command(span: &TextSpan<'_>, public_url: &str) -> Option<String> {
    let page = span
        .text
        .strip_prefix(public_url)
        .filter(|_| span.is_link)?;
    let is_shell_safe = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if let Some(id) = page
        .strip_prefix("/tickets/")
        .filter(|id| is_shell_safe(id))
    {
        return Some(format!(
            "curl -sS {public_url}/api/v1/tickets/{id}/comments \\\n  -H 'Authorization: Bearer ACCESS_TOKEN'"
        ));
    }
    let (page, token) = page
        .split_once("#token=")
        .filter(|(_, token)| is_shell_safe(token))?;
    let (path, body) = match page {
        "/verify-email" => ("email/verify", format!(r#"{{"token": "{token}"}}"#)),
        "/accept-invite" => (
            "invite/accept",
            format!(r#"{{"token": "{token}", "password": "YOUR NEW PASSWORD"}}"#),
        ),
        "/reset-password" => (
            "password/reset",
            format!(r#"{{"token": "{token}", "password": "YOUR NEW PASSWORD"}}"#),
        ),
        "/magic-link" => (
            "magic-link/redeem",
            format!(r#"{{"token": "{token}", "code": "SIX DIGITS"}}"#),
        ),
        "/change-email" => ("email/change/confirm", format!(r#"{{"token": "{token}"}}"#)),
        _ => return None,
    };
    Some(format!(
        "curl -sS {public_url}/api/v1/auth/{path} \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    ))
}

#[cfg(test)]
mod tests {
    use crate::ids::MessageId;

    use super::*;

    const BASE: &str = "http://127.0.0.1:8080";

    fn sample(text: &str) -> ParsedMail {
        ParsedMail {
            id: MessageId::from_uuid(uuid::Uuid::from_u128(7)),
            from: "<b>".to_owned(),
            to: "Ada <ada@demo.example>".to_owned(),
            subject: "<script>alert(1)</script>".to_owned(),
            time: "2026-11-20 10:00:00 UTC".to_owned(),
            text: text.to_owned(),
            html: String::new(),
            source: String::new(),
        }
    }

    #[test]
    fn mail_content_is_escaped() {
        let mail_page = mail(
            &sample("<img src=x> javascript:x https://a.example/\"onclick=x"),
            BASE,
        )
        .unwrap();
        let list_page = list(&[sample("")], 3).unwrap();
        for page in [&mail_page, &list_page] {
            assert!(
                !page.contains("<script") && !page.contains("<img") && !page.contains("<b>"),
                "{page}"
            );
            assert!(!page.contains("{{"), "all variables are rendered");
        }
        assert_eq!(mail_page.matches("<a href=").count(), 3, "{mail_page}");
        assert!(list_page.contains("3 older emails"));
        assert!(list(&[], 0).unwrap().contains("No emails yet"));
    }

    #[test]
    fn links_to_the_platform_have_a_command() {
        let page = mail(
            &sample("Here:\n\nhttp://127.0.0.1:8080/verify-email#token=AZ_-9\n"),
            BASE,
        )
        .unwrap();
        assert!(page.contains("auth&#x2f;email&#x2f;verify"), "{page}");
        assert!(page.contains("AZ_-9&quot;"), "{page}");
        let page = mail(&sample("http://127.0.0.1:8080/tickets/01a1-f8\n"), BASE).unwrap();
        assert!(page.contains("01a1-f8&#x2f;comments"), "{page}");
        for text in [
            "https://elsewhere.example/verify-email#token=AZ",
            "http://127.0.0.1:8080/verify-email#token=';rm",
            "http://127.0.0.1:8080/tickets/1;rm",
            "http://127.0.0.1:8080/elsewhere#token=AZ",
        ] {
            assert!(
                !mail(&sample(text), BASE).unwrap().contains("curl"),
                "{text}"
            );
        }
    }

    #[test]
    fn every_placeholder_renders() {
        for (_, title, description) in PLACEHOLDERS {
            assert!(placeholder(title, description).unwrap().contains(title));
        }
    }
}
