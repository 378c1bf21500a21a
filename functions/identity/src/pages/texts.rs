//! The texts of the pages.

use web::Localized;

/// A page under `PUBLIC_URL`.
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) title: Localized,
    /// One form; or two, one for visitors with a token and one for visitors without.
    pub(super) forms: &'static [Form],
}

/// A form and the endpoint that its button posts to.
pub(super) struct Form {
    /// Relative to `/api/v1/auth/`.
    pub(super) path: &'static str,
    pub(super) lead: Localized,
    pub(super) button: Localized,
    pub(super) done: Localized,
    pub(super) fields: &'static [Field],
    /// Whether the response is a session, which the browser then keeps as a cookie.
    pub(super) keeps_session: bool,
}

/// An input of a form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Token,
    Password,
    Code,
    Tenant,
    Email,
}

impl Field {
    pub(super) fn label(self) -> Localized {
        let (de, en) = match self {
            Self::Token => ("Code aus der E-Mail", "Code from the email"),
            Self::Password => ("Neues Passwort", "New password"),
            Self::Code => ("Sechsstelliger Code", "Six-digit code"),
            Self::Tenant => ("Kurzname der Organisation", "Organisation short name"),
            Self::Email => ("E-Mail-Adresse", "Email address"),
        };
        Localized { de, en }
    }

    pub(super) fn attributes(self) -> &'static str {
        match self {
            Self::Token => "name=\"token\" autocomplete=\"off\" spellcheck=\"false\" required",
            Self::Password => {
                "name=\"password\" type=\"password\" autocomplete=\"new-password\" minlength=\"10\" maxlength=\"128\" required"
            }
            Self::Code => "name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\"",
            Self::Tenant => {
                "name=\"tenant\" autocomplete=\"organization\" spellcheck=\"false\" autocapitalize=\"none\" required"
            }
            Self::Email => "name=\"email\" type=\"email\" autocomplete=\"username\" required",
        }
    }
}

pub(super) const NOSCRIPT: Localized = Localized {
    de: "Diese Seite benötigt JavaScript.",
    en: "This page requires JavaScript.",
};

pub(super) const FAILED: Localized = Localized {
    de: "Das hat leider nicht funktioniert. Bitte versuchen Sie es gleich noch einmal.",
    en: "Something went wrong. Please try again in a moment.",
};

const MAIL_SENT: Localized = Localized {
    de: "Wenn es dieses Konto gibt, haben wir Ihnen eine E-Mail geschickt.",
    en: "If this account exists, we have sent you an email.",
};

const SIGNED_IN: Localized = Localized {
    de: "Sie sind angemeldet.",
    en: "You are signed in.",
};

pub(super) static PAGES: [Page; 5] = [
    Page {
        path: "/verify-email",
        title: Localized {
            de: "E-Mail-Adresse bestätigen",
            en: "Confirm your email address",
        },
        forms: &[Form {
            path: "email/verify",
            lead: Localized {
                de: "Bestätigen Sie, dass diese E-Mail-Adresse Ihnen gehört.",
                en: "Confirm that this email address is yours.",
            },
            button: Localized {
                de: "Bestätigen",
                en: "Confirm",
            },
            done: Localized {
                de: "Ihre E-Mail-Adresse ist bestätigt. Sie können sich jetzt anmelden.",
                en: "Your email address is confirmed. You can now sign in.",
            },
            fields: &[Field::Token],
            keeps_session: false,
        }],
    },
    Page {
        path: "/change-email",
        title: Localized {
            de: "Neue E-Mail-Adresse bestätigen",
            en: "Confirm your new email address",
        },
        forms: &[Form {
            path: "email/change/confirm",
            lead: Localized {
                de: "Bestätigen Sie, dass Sie diese E-Mail-Adresse künftig für Ihr Konto verwenden möchten.",
                en: "Confirm that you want to use this email address for your account.",
            },
            button: Localized {
                de: "Bestätigen",
                en: "Confirm",
            },
            done: Localized {
                de: "Ihre neue E-Mail-Adresse ist jetzt aktiv.",
                en: "Your new email address is now active.",
            },
            fields: &[Field::Token],
            keeps_session: false,
        }],
    },
    Page {
        path: "/accept-invite",
        title: Localized {
            de: "Einladung annehmen",
            en: "Accept your invitation",
        },
        forms: &[Form {
            path: "invite/accept",
            lead: Localized {
                de: "Wählen Sie ein Passwort mit mindestens zehn Zeichen.",
                en: "Choose a password with at least ten characters.",
            },
            button: Localized {
                de: "Einladung annehmen",
                en: "Accept invitation",
            },
            done: SIGNED_IN,
            fields: &[Field::Token, Field::Password],
            keeps_session: true,
        }],
    },
    Page {
        path: "/reset-password",
        title: Localized {
            de: "Neues Passwort",
            en: "New password",
        },
        forms: &[
            Form {
                path: "password/reset",
                lead: Localized {
                    de: "Wählen Sie ein Passwort mit mindestens zehn Zeichen. Danach müssen Sie sich auf allen Geräten erneut anmelden.",
                    en: "Choose a password with at least ten characters. You will then need to sign in again on all your devices.",
                },
                button: Localized {
                    de: "Speichern",
                    en: "Save",
                },
                done: Localized {
                    de: "Ihr Passwort wurde geändert. Sie können sich jetzt anmelden.",
                    en: "Your password has been changed. You can now sign in.",
                },
                fields: &[Field::Token, Field::Password],
                keeps_session: false,
            },
            Form {
                path: "password/forgot",
                lead: Localized {
                    de: "Wir schicken Ihnen einen Link, über den Sie ein neues Passwort festlegen können.",
                    en: "We will send you a link to set a new password.",
                },
                button: Localized {
                    de: "Link anfordern",
                    en: "Request a link",
                },
                done: MAIL_SENT,
                fields: &[Field::Tenant, Field::Email],
                keeps_session: false,
            },
        ],
    },
    Page {
        path: "/magic-link",
        title: Localized {
            de: "Anmelden per Link",
            en: "Sign in with a link",
        },
        forms: &[
            Form {
                path: "magic-link/redeem",
                lead: Localized {
                    de: "Melden Sie sich mit dem Link aus der E-Mail an.",
                    en: "Sign in with the link from the email.",
                },
                button: Localized {
                    de: "Anmelden",
                    en: "Sign in",
                },
                done: SIGNED_IN,
                fields: &[Field::Token, Field::Code],
                keeps_session: true,
            },
            Form {
                path: "magic-link",
                lead: Localized {
                    de: "Wir schicken Ihnen einen Link zum Anmelden. Bitte öffnen Sie ihn in diesem Browser.",
                    en: "We will send you a sign-in link. Open it in this browser.",
                },
                button: Localized {
                    de: "Link anfordern",
                    en: "Request a link",
                },
                done: MAIL_SENT,
                fields: &[Field::Tenant, Field::Email],
                keeps_session: false,
            },
        ],
    },
];
