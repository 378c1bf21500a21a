//! The pages in HTML.

use std::sync::LazyLock;

use minijinja::{Environment, Error, UndefinedBehavior, Value, context};

use super::reading::{Piece, ReadMail, pieces};

/// Pages to which mails lead and which only a frontend serves: path, heading, what happens there.
pub(super) static STAND_INS: [(&str, &str, &str); 1] = [(
    "/tickets/{id}",
    "A ticket",
    "the frontend shows the ticket, read from /api/v1/tickets",
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

/// The list.
pub(super) fn list(mails: &[ReadMail], older: usize) -> Result<String, Error> {
    let mails: Vec<Value> = mails.iter().map(shown).collect();
    render("list.html", context! { title => "Mails", mails, older })
}

/// One mail.
pub(super) fn mail(mail: &ReadMail, public_url: &str) -> Result<String, Error> {
    let pieces = pieces(&mail.text);
    let command = pieces.iter().find_map(|piece| command(piece, public_url));
    let text: Vec<Value> = pieces
        .iter()
        .map(|piece| context! { text => piece.text, link => piece.link })
        .collect();
    let (title, mail) = (mail.subject.as_str(), shown(mail));
    render("mail.html", context! { title, mail, text, command })
}

/// A page that stands in for a frontend's.
pub(super) fn stand_in(title: &str, what: &str) -> Result<String, Error> {
    render("page.html", context! { title, what })
}

fn shown(mail: &ReadMail) -> Value {
    context! {
        id => mail.id.to_string(), subject => mail.subject.as_str(), from => mail.from.as_str(),
        to => mail.to.as_str(), time => mail.time.as_str(),
    }
}

/// What a frontend would do with a link of ours, from a terminal.
fn command(piece: &Piece<'_>, public_url: &str) -> Option<String> {
    let page = piece.text.strip_prefix(public_url).filter(|_| piece.link)?;
    let plain = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if let Some(id) = page.strip_prefix("/tickets/").filter(|id| plain(id)) {
        return Some(format!(
            "curl -sS {public_url}/api/v1/tickets/{id}/comments \\\n  -H 'Authorization: Bearer ACCESS_TOKEN'"
        ));
    }
    let (page, token) = page
        .split_once("#token=")
        .filter(|(_, token)| plain(token))?;
    let (path, body) = match page {
        "/verify-email" => ("email/verify", format!(r#"{{"token": "{token}"}}"#)),
        "/accept-invite" => (
            "invite/accept",
            format!(r#"{{"token": "{token}", "password": "a long password of yours"}}"#),
        ),
        "/reset-password" => (
            "password/reset",
            format!(r#"{{"token": "{token}", "password": "a long password of yours"}}"#),
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
    use ids::MessageId;

    use super::*;

    const BASE: &str = "http://127.0.0.1:8080";

    fn sample(text: &str) -> ReadMail {
        ReadMail {
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
    fn nothing_in_a_mail_becomes_markup_of_the_page() {
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
            assert!(!page.contains("{{"), "every place is filled");
        }
        assert_eq!(mail_page.matches("<a href=").count(), 3, "{mail_page}");
        assert!(list_page.contains("3 older ones"));
        assert!(list(&[], 0).unwrap().contains("No mail yet"));
    }

    #[test]
    fn a_link_of_ours_comes_with_its_command() {
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
    fn every_stand_in_can_be_shown() {
        for (_, title, what) in STAND_INS {
            assert!(stand_in(title, what).unwrap().contains(title));
        }
    }
}
