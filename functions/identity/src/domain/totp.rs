//! Codes of authenticator apps: TOTP (RFC 6238) with SHA-1, six digits and 30 seconds, which every app supports.

use access::opaque;
use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const STEP_SECONDS: i64 = 30;
const DIGITS: usize = 6;
/// Maximum clock drift between app and server, in time steps.
const MAX_DRIFT_STEPS: i64 = 1;
/// Everything except the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The shared secret: 160 bits, as recommended by RFC 4226.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TotpSecret([u8; 20]);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

impl TotpSecret {
    /// Generates a new secret.
    pub(crate) fn generate() -> Self {
        Self(opaque::random())
    }

    /// Restores a stored secret.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to seal and store.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret in base32, for manual entry.
    pub(crate) fn to_text(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// The `otpauth:` URI, with the account and the organisation.
    pub(crate) fn to_uri(&self, organisation: &str, account: &str) -> String {
        let organisation = utf8_percent_encode(organisation, RESERVED);
        let account = utf8_percent_encode(account, RESERVED);
        let secret = self.to_text();
        format!(
            "otpauth://totp/{organisation}:{account}?secret={secret}&issuer={organisation}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
        )
    }

    /// The time step that the code belongs to: the current one or a neighbour, and later than `used`. Runs in constant time.
    pub(crate) fn find_step(&self, code: &str, used: i64, now: DateTime<Utc>) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let present = now.timestamp().div_euclid(STEP_SECONDS);
        let mut found = None;
        for step in present - MAX_DRIFT_STEPS..=present + MAX_DRIFT_STEPS {
            let right = opaque::constant_time_eq(self.code(step).as_bytes(), code.as_bytes());
            if right && step > used {
                found = found.or(Some(step));
            }
        }
        found
    }

    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        // RFC 4226, 5.3: the last four bits are the offset of the 31 bits to read.
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
        let number = tag
            .iter()
            .skip(offset)
            .take(4)
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
            & 0x7fff_ffff;
        format!("{:0DIGITS$}", number % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret(*b"12345678901234567890")
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// Test vectors of RFC 6238, appendix B, truncated to six digits.
    #[test]
    fn codes_match_rfc_6238() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().code(seconds / 30), code);
            assert_eq!(secret().find_step(code, 0, at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_valid_for_adjacent_steps_but_not_after_a_newer_one() {
        let now = at(1_234_567_890);
        let step = 1_234_567_890 / 30;
        for (offset, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = secret().code(step + offset);
            let expected = good.then_some(step + offset);
            assert_eq!(secret().find_step(&code, 0, now), expected, "{offset}");
        }
        let code = secret().code(step);
        assert_eq!(secret().find_step(&code, step - 1, now), Some(step));
        assert_eq!(secret().find_step(&code, step, now), None);
    }

    #[test]
    fn malformed_codes_are_refused() {
        let now = at(59);
        for code in ["", "28708", "2870820", "94287082", "28708２", "abcdef"] {
            assert_eq!(secret().find_step(code, 0, now), None, "{code}");
        }
        assert_eq!(secret().find_step("287 082", 0, now), Some(1));
    }

    #[test]
    fn the_uri_names_organisation_and_account() {
        assert_eq!(
            secret().to_uri("Müller & Söhne", "ada+x@demo.example"),
            "otpauth://totp/M%C3%BCller%20%26%20S%C3%B6hne:ada%2Bx%40demo.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=M%C3%BCller%20%26%20S%C3%B6hne&algorithm=SHA1&digits=6&period=30"
        );
    }
}
