//! Currencies.

use web::{Localized, problem::FieldCode};

/// The ISO 4217 codes of currencies in circulation.
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF \
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS \
    INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR \
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP \
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF \
    XPF YER ZAR ZMW ZWG";

/// A currency code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Currency(String);

impl Currency {
    /// The default currency.
    pub(crate) fn euro() -> Self {
        Self("EUR".to_owned())
    }

    /// Parses and validates the text.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldCode> {
        CODES
            .split_ascii_whitespace()
            .find(|code| *code == text.trim())
            .map(|code| Self(code.to_owned()))
            .ok_or(FieldCode::InvalidFormat(Localized {
                de: "muss ein Währungscode nach ISO 4217 wie EUR sein",
                en: "must be an ISO 4217 currency code such as EUR",
            }))
    }

    /// The code.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_codes_are_accepted() {
        assert_eq!(Currency::parse(" CHF ").unwrap().as_str(), "CHF");
        for text in ["", "eur", "XXX", "EURO", "E R", "EUR USD"] {
            assert!(Currency::parse(text).is_err(), "{text:?}");
        }
        assert!(
            CODES
                .split_ascii_whitespace()
                .all(|code| code.len() == 3 && code.chars().all(|c| c.is_ascii_uppercase()))
        );
    }
}
