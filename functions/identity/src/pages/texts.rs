//! What the pages say.

use web::Texts;

/// A page below `PUBLIC_URL`.
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) title: Texts,
    /// One; or one for whoever comes with a token and one for whoever comes without.
    pub(super) forms: &'static [Form],
}

/// What a button posts.
pub(super) struct Form {
    /// Below `/api/v1/auth/`.
    pub(super) path: &'static str,
    pub(super) lead: Texts,
    pub(super) button: Texts,
    pub(super) done: Texts,
    pub(super) fields: &'static [Field],
    /// Whether the answer is a session, which this browser then keeps as a cookie.
    pub(super) keeps_session: bool,
}

/// What can be typed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Token,
    Password,
    Code,
    Tenant,
    Email,
}

impl Field {
    pub(super) fn label(self) -> Texts {
        let (de, en) = match self {
            Self::Token => ("Code aus der E-Mail", "Code from the mail"),
            Self::Password => ("Neues Passwort", "New password"),
            Self::Code => ("Sechsstelliger Code", "Six-digit code"),
            Self::Tenant => ("Kürzel der Organisation", "The organisation's short name"),
            Self::Email => ("E-Mail-Adresse", "Mail address"),
        };
        Texts { de, en }
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

pub(super) const NOSCRIPT: Texts = Texts {
    de: "Diese Seite braucht JavaScript.",
    en: "This page needs JavaScript.",
};

pub(super) const FAILED: Texts = Texts {
    de: "Das hat nicht geklappt. Bitte gleich noch einmal versuchen.",
    en: "That did not work. Please try again in a moment.",
};

const MAIL_SENT: Texts = Texts {
    de: "Wenn es dieses Konto gibt, ist jetzt eine E-Mail unterwegs.",
    en: "If there is such an account, a mail is on its way now.",
};

const SIGNED_IN: Texts = Texts {
    de: "Sie sind angemeldet.",
    en: "You are signed in.",
};

pub(super) static PAGES: [Page; 5] = [
    Page {
        path: "/verify-email",
        title: Texts {
            de: "Adresse bestätigen",
            en: "Confirm an address",
        },
        forms: &[Form {
            path: "email/verify",
            lead: Texts {
                de: "Bestätigen Sie, dass die E-Mail-Adresse Ihnen gehört.",
                en: "Confirm that the mail address is yours.",
            },
            button: Texts {
                de: "Bestätigen",
                en: "Confirm",
            },
            done: Texts {
                de: "Die Adresse ist bestätigt. Sie können sich jetzt anmelden.",
                en: "The address is confirmed. You can sign in now.",
            },
            fields: &[Field::Token],
            keeps_session: false,
        }],
    },
    Page {
        path: "/change-email",
        title: Texts {
            de: "Neue Adresse bestätigen",
            en: "Confirm a new address",
        },
        forms: &[Form {
            path: "email/change/confirm",
            lead: Texts {
                de: "Ab jetzt soll diese E-Mail-Adresse für Ihr Konto gelten.",
                en: "From now on your account is to have this mail address.",
            },
            button: Texts {
                de: "Bestätigen",
                en: "Confirm",
            },
            done: Texts {
                de: "Die neue Adresse gilt.",
                en: "The new address holds.",
            },
            fields: &[Field::Token],
            keeps_session: false,
        }],
    },
    Page {
        path: "/accept-invite",
        title: Texts {
            de: "Einladung annehmen",
            en: "Accept an invitation",
        },
        forms: &[Form {
            path: "invite/accept",
            lead: Texts {
                de: "Wählen Sie ein Passwort mit mindestens zehn Zeichen.",
                en: "Choose a password of at least ten characters.",
            },
            button: Texts {
                de: "Annehmen",
                en: "Accept",
            },
            done: SIGNED_IN,
            fields: &[Field::Token, Field::Password],
            keeps_session: true,
        }],
    },
    Page {
        path: "/reset-password",
        title: Texts {
            de: "Neues Passwort",
            en: "New password",
        },
        forms: &[
            Form {
                path: "password/reset",
                lead: Texts {
                    de: "Wählen Sie ein Passwort mit mindestens zehn Zeichen. Danach melden Sie sich auf allen Geräten neu an.",
                    en: "Choose a password of at least ten characters. After that you sign in anew on every device.",
                },
                button: Texts {
                    de: "Speichern",
                    en: "Save",
                },
                done: Texts {
                    de: "Das neue Passwort gilt.",
                    en: "The new password holds.",
                },
                fields: &[Field::Token, Field::Password],
                keeps_session: false,
            },
            Form {
                path: "password/forgot",
                lead: Texts {
                    de: "Wir schicken Ihnen einen Link, mit dem Sie ein neues Passwort wählen.",
                    en: "We send you a link by which you choose a new password.",
                },
                button: Texts {
                    de: "Link anfordern",
                    en: "Ask for a link",
                },
                done: MAIL_SENT,
                fields: &[Field::Tenant, Field::Email],
                keeps_session: false,
            },
        ],
    },
    Page {
        path: "/magic-link",
        title: Texts {
            de: "Anmelden per Link",
            en: "Sign in by link",
        },
        forms: &[
            Form {
                path: "magic-link/redeem",
                lead: Texts {
                    de: "Melden Sie sich mit dem Link aus der E-Mail an.",
                    en: "Sign in with the link of the mail.",
                },
                button: Texts {
                    de: "Anmelden",
                    en: "Sign in",
                },
                done: SIGNED_IN,
                fields: &[Field::Token, Field::Code],
                keeps_session: true,
            },
            Form {
                path: "magic-link",
                lead: Texts {
                    de: "Wir schicken Ihnen einen Link. Öffnen Sie ihn in diesem Browser.",
                    en: "We send you a link. Open it in this browser.",
                },
                button: Texts {
                    de: "Link anfordern",
                    en: "Ask for a link",
                },
                done: MAIL_SENT,
                fields: &[Field::Tenant, Field::Email],
                keeps_session: false,
            },
        ],
    },
];
