//! Binds a magic link to the client that requested it: by a cookie in the browser, or by a code that was shown there.
//!
//! Email programs and scanners open links, and some even press buttons, but they have neither the cookie nor the code. Requesting a
//! link for another person's address is useless too, because that person opens it in a different browser.

use access::opaque;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Number of incorrect codes after which a link is invalid: five guesses out of a million codes.
pub(crate) const MAX_CODE_FAILURES: i32 = 5;

web::text_enum! {
    /// How a link is bound.
    pub enum BindingKind {
        /// To a cookie.
        Browser = "browser",
        /// To a code.
        Code = "code",
    }
}

/// What must be presented together with the link.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) kind: BindingKind,
    text: String,
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Binding({}, …)", self.kind)
    }
}

impl Binding {
    /// Binds to a browser, by its existing cookie or a new one.
    pub(crate) fn to_browser(cookie: Option<&str>) -> Self {
        let known = cookie
            .filter(|text| is_valid_cookie(text))
            .map(str::to_owned);
        Self {
            kind: BindingKind::Browser,
            text: known.unwrap_or_else(|| URL_SAFE_NO_PAD.encode(opaque::random::<32>())),
        }
    }

    /// Binds to a new six-digit code.
    pub(crate) fn to_code() -> Self {
        let number = u64::from_ne_bytes(opaque::random()) % 1_000_000;
        Self {
            kind: BindingKind::Code,
            text: format!("{number:06}"),
        }
    }

    /// The presented binding: a cookie, or a code as entered.
    pub(crate) fn from_input(kind: BindingKind, text: &str) -> Self {
        let text = match kind {
            BindingKind::Browser => text.to_owned(),
            BindingKind::Code => text.chars().filter(char::is_ascii_digit).collect(),
        };
        Self { kind, text }
    }

    /// The cookie or code.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The hash that is stored; it is useless without the secret of the link.
    pub(crate) fn hash(&self, secret: &[u8; 32]) -> [u8; 32] {
        let mut bytes = secret.to_vec();
        bytes.extend(self.kind.as_str().bytes());
        bytes.push(b'\n');
        bytes.extend(self.text.bytes());
        opaque::sha256(&bytes)
    }
}

fn is_valid_cookie(cookie: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(cookie)
        .is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_compared_by_its_six_digits() {
        let code = Binding::to_code();
        assert_eq!(code.text().len(), 6);
        let (left, right) = code.text().split_at(3);
        let typed = Binding::from_input(BindingKind::Code, &format!(" {left}-{right} "));
        assert_eq!(typed.hash(&[7; 32]), code.hash(&[7; 32]));
        assert_ne!(typed.hash(&[8; 32]), code.hash(&[7; 32]));
    }

    #[test]
    fn a_browser_keeps_the_cookie_that_it_has() {
        let first = Binding::to_browser(None);
        assert_eq!(Binding::to_browser(Some(first.text())), first);
        assert_ne!(Binding::to_browser(Some("chosen by somebody")), first);
        let code = Binding::from_input(BindingKind::Code, first.text());
        assert_ne!(code.hash(&[7; 32]), first.hash(&[7; 32]));
    }
}
