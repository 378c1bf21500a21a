//! Renders every text in both languages.

use super::*;

const LANGUAGES: [Language; 2] = [Language::De, Language::En];

fn all_variables() -> MailContent<'static> {
    MailContent {
        organisation: "Müller & Söhne",
        colour: "#0b6650",
        name: Some("Ada <b>Lovelace</b>"),
        number: Some("T-1042"),
        device: Some("Firefox, Linux"),
        at: Some("20 November 2026 at 10:00 UTC".to_owned()),
        metric: Some("llm_tokens"),
        percent: Some("80"),
        what: Some("app.demo.example"),
        token: Some("AZrx8m0-fBGOWjsaLD1OX_4"),
        link: Some("https://app.example/tickets/1#token=AZrx8m0-fBGOWjsaLD1OX_4".to_owned()),
    }
}

/// Exactly the variables that a message of this kind has.
fn example(template: Template) -> MailContent<'static> {
    let (is_ticket, is_notice) = (
        template.required_feature().is_some(),
        Template::from_link_purpose(template.as_str()).is_none(),
    );
    let all = all_variables();
    MailContent {
        token: all.token.filter(|_| !is_notice),
        number: all.number.filter(|_| is_ticket),
        at: all.at.filter(|_| is_notice && !is_ticket),
        device: all.device.filter(|_| template == Template::NewDevice),
        metric: all.metric.filter(|_| template == Template::QuotaWarning),
        percent: all.percent.filter(|_| template == Template::QuotaWarning),
        what: all.what.filter(|_| {
            use Template::{
                ApiKeyExpiring, DomainFailing, DomainReleased, IdentityLinked, IdentityUnlinked,
                RecoveryCodeUsed, RoleChanged,
            };
            [
                ApiKeyExpiring,
                DomainFailing,
                DomainReleased,
                IdentityLinked,
                IdentityUnlinked,
                RecoveryCodeUsed,
                RoleChanged,
            ]
            .contains(&template)
        }),
        link: all.link.filter(|_| template != Template::EmailReplaced),
        ..all
    }
}

#[test]
fn every_template_renders_in_both_languages() {
    for template in Template::ALL {
        for language in LANGUAGES {
            let content = example(*template);
            let subject = render_subject(*template, language, &content).unwrap();
            let body = render_body(*template, language, &subject, &content).unwrap();
            let case = format!("{template} {}", language.tag());
            assert!(
                (8..=78).contains(&subject.chars().count()),
                "{case}: {subject}"
            );
            for text in [&subject, &body.text, &body.html] {
                assert!(
                    !text.contains("{{") && !text.contains("{%"),
                    "{case}: {text}"
                );
            }
            // Both parts have the link and what the recipient may have to type.
            match content.link.as_deref() {
                Some(link) => assert!(body.text.contains(link), "{case}"),
                // Its reader no longer has an account to go to.
                None => assert_eq!(*template, Template::EmailReplaced),
            }
            assert!(body.text.contains("Müller & Söhne"), "{case}");
            assert!(body.html.contains("Müller &amp; Söhne"), "{case}");
            assert!(
                body.html.contains(&format!("lang=\"{}\"", language.tag())),
                "{case}"
            );
            for token in content.token.into_iter().chain(content.number) {
                assert!(
                    body.text.contains(token) && body.html.contains(token),
                    "{case}"
                );
            }
        }
    }
}

#[test]
fn values_are_escaped_in_html() {
    for language in LANGUAGES {
        let body = render_body(
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
fn a_missing_variable_is_an_error() {
    for template in Template::ALL {
        for language in LANGUAGES {
            let content = MailContent {
                name: None,
                link: None,
                ..example(*template)
            };
            let error = render_body(*template, language, "x", &content).unwrap_err();
            assert!(error.to_string().contains("undefined"), "{error}");
            assert!(!error.to_string().contains("AZrx8m0"), "{error}");
        }
    }
}

/// A registration states an address and a name. With the name, the email would carry text of a stranger.
#[test]
fn a_verification_mail_has_no_text_chosen_by_the_person_who_registered() {
    for language in LANGUAGES {
        let content = MailContent {
            name: None,
            ..example(Template::VerifyEmail)
        };
        render_body(Template::VerifyEmail, language, "x", &content).unwrap();
        render_subject(Template::VerifyEmail, language, &content).unwrap();
    }
}

#[test]
fn a_subject_stays_on_one_line() {
    let content = MailContent {
        organisation: "a\r\nBcc: x@y.example",
        ..all_variables()
    };
    let subject = render_subject(Template::Invite, Language::En, &content).unwrap();
    assert_eq!(subject, "Invitation to a Bcc: x@y.example");
}
