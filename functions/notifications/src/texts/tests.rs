//! Every text in both languages.

use super::*;

const LANGUAGES: [Language; 2] = [Language::De, Language::En];

fn whole() -> Letter<'static> {
    Letter {
        organisation: "Müller & Söhne",
        colour: "#0b6650",
        name: Some("Ada <b>Lovelace</b>"),
        number: Some("T-1042"),
        device: Some("Firefox, Linux"),
        at: Some("2026-11-20 10:00 UTC"),
        metric: Some("llm_tokens"),
        percent: Some("80"),
        what: Some("app.demo.example"),
        token: Some("AZrx8m0-fBGOWjsaLD1OX_4"),
        link: Some("https://app.example/tickets/1#token=AZrx8m0-fBGOWjsaLD1OX_4".to_owned()),
    }
}

/// What a message of this kind is given, and no more.
fn example(template: Template) -> Letter<'static> {
    let (is_news, is_notice) = (
        template.feature().is_some(),
        Template::of_purpose(template.as_str()).is_none(),
    );
    let whole = whole();
    Letter {
        token: whole.token.filter(|_| !is_notice),
        number: whole.number.filter(|_| is_news),
        at: whole.at.filter(|_| is_notice && !is_news),
        device: whole.device.filter(|_| template == Template::NewDevice),
        metric: whole.metric.filter(|_| template == Template::QuotaWarning),
        percent: whole.percent.filter(|_| template == Template::QuotaWarning),
        what: whole.what.filter(|_| {
            use Template::{ApiKeyExpiring, DomainFailing, DomainReleased};
            [ApiKeyExpiring, DomainFailing, DomainReleased].contains(&template)
        }),
        ..whole
    }
}

#[test]
fn every_template_is_complete_in_both_languages() {
    for template in Template::ALL {
        for language in LANGUAGES {
            let letter = example(*template);
            let subject = subject(*template, language, &letter).unwrap();
            let body = body(*template, language, &subject, &letter).unwrap();
            let place = format!("{template} {}", language.tag());
            assert!(
                (8..=78).contains(&subject.chars().count()),
                "{place}: {subject}"
            );
            for text in [&subject, &body.text, &body.html] {
                assert!(
                    !text.contains("{{") && !text.contains("{%"),
                    "{place}: {text}"
                );
            }
            // Both forms lead to the same place, and name what the person may have to type.
            let link = letter.link.as_deref().unwrap();
            assert!(body.text.contains(link), "{place}");
            assert!(body.text.contains("Müller & Söhne"), "{place}");
            assert!(body.html.contains("Müller &amp; Söhne"), "{place}");
            assert!(
                body.html.contains(&format!("lang=\"{}\"", language.tag())),
                "{place}"
            );
            for token in letter.token.into_iter().chain(letter.number) {
                assert!(
                    body.text.contains(token) && body.html.contains(token),
                    "{place}"
                );
            }
        }
    }
}

#[test]
fn what_is_filled_in_is_text_in_html() {
    for language in LANGUAGES {
        let body = body(
            Template::Invite,
            language,
            "<i>",
            &example(Template::Invite),
        )
        .unwrap();
        assert!(body.html.contains("Ada &lt;b&gt;Lovelace"), "{}", body.html);
        assert!(!body.html.contains("<b>") && !body.html.contains("<i>"));
        assert!(body.text.contains("Ada <b>Lovelace</b>"));
    }
}

#[test]
fn a_missing_variable_is_an_error_and_no_gap() {
    for template in Template::ALL {
        for language in LANGUAGES {
            let letter = Letter {
                name: None,
                link: None,
                ..example(*template)
            };
            let refused = body(*template, language, "x", &letter).unwrap_err();
            assert!(refused.to_string().contains("undefined"), "{refused}");
            assert!(!refused.to_string().contains("AZrx8m0"), "{refused}");
        }
    }
}

/// Whoever registers names an address and a name: with the name in it the mail would carry a stranger's words.
#[test]
fn a_verification_mail_says_nothing_that_its_sender_chose() {
    for language in LANGUAGES {
        let letter = Letter {
            name: None,
            ..example(Template::VerifyEmail)
        };
        body(Template::VerifyEmail, language, "x", &letter).unwrap();
        subject(Template::VerifyEmail, language, &letter).unwrap();
    }
}

#[test]
fn a_subject_stays_on_its_line() {
    let letter = Letter {
        organisation: "a\r\nBcc: x@y.example",
        ..whole()
    };
    let subject = subject(Template::Invite, Language::En, &letter).unwrap();
    assert_eq!(subject, "Invitation to a Bcc: x@y.example");
}
