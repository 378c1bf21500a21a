//! Currencies.

use utoipa::openapi::ObjectBuilder;
use web::{Texts, problem::FieldCode};

/// The codes of ISO 4217 that are money of a country or union.
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF \
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS \
    INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR \
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP \
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF \
    XPF YER ZAR ZMW ZWG";

/// A currency by its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency(String);

impl Currency {
    /// What most tenants pay with.
    pub fn euro() -> Self {
        Self("EUR".to_owned())
    }

    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        CODES
            .split_ascii_whitespace()
            .find(|code| *code == text.trim())
            .map(|code| Self(code.to_owned()))
            .ok_or(FieldCode::InvalidFormat(Texts {
                de: "muss ein Währungscode nach ISO 4217 wie EUR sein",
                en: "must be a currency code of ISO 4217 such as EUR",
            }))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn shape() -> ObjectBuilder {
        ObjectBuilder::new()
            .pattern(Some("^[A-Z]{3}$"))
            .examples(["EUR"])
    }
}

super::text_field!(Currency);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_of_the_list_are_currencies() {
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
