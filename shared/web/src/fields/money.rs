//! Money: a decimal string with a currency, stored in minor units, never a float.

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value;
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{AdditionalProperties, Type},
};

use super::parsed_text;
use crate::{
    body::{Field, object, refuse_unknown_fields, take_field},
    language::Localized,
    problem::{Errors, FieldCode, Pointer},
};

/// ISO 4217 currencies of countries and unions, by their number of decimal digits.
const CURRENCIES: [(u32, &str); 3] = [
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE \
        CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW \
        KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK \
        PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS \
        UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (
        0,
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
];

/// Maximum number of digits before the decimal point.
const MAX_WHOLE_DIGITS: usize = 12;

/// A currency by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: &'static str,
    scale: u32,
}

impl Currency {
    /// Parses and validates the code.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        CURRENCIES
            .iter()
            .find_map(|(scale, codes)| {
                let code = codes.split_ascii_whitespace().find(|code| *code == text)?;
                Some(Self {
                    code,
                    scale: *scale,
                })
            })
            .ok_or(FieldCode::InvalidFormat(Localized {
                de: "muss ein Währungscode nach ISO 4217 wie EUR sein",
                en: "must be an ISO 4217 currency code such as EUR",
            }))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        self.code
    }

    /// Number of decimal digits.
    pub fn scale(self) -> u32 {
        self.scale
    }

    fn schema_builder() -> ObjectBuilder {
        ObjectBuilder::new()
            .pattern(Some("^[A-Z]{3}$"))
            .examples(["EUR"])
    }
}

parsed_text!([] Currency);

/// A non-negative amount of money: `{"amount": "1234.50", "currency": "EUR"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// Parses and validates an amount in this currency.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, FieldCode> {
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > MAX_WHOLE_DIGITS {
            return Err(FieldCode::InvalidFormat(Localized {
                de: "muss eine Zahl wie 1234.50 mit höchstens 12 Stellen vor dem Punkt sein",
                en: "must be a number such as 1234.50 with at most 12 digits before the decimal point",
            }));
        }
        let scale = usize::try_from(currency.scale).unwrap_or_default();
        let too_fine = amount.contains('.') && fraction.len() > scale;
        let minor = format!("{whole}{fraction:0<scale$.scale$}").parse();
        match minor {
            Ok(minor) if !too_fine => Ok(Self { minor, currency }),
            _ => Err(FieldCode::Rule(
                "scale",
                Localized {
                    de: "hat mehr Nachkommastellen, als die Währung zulässt",
                    en: "has more decimal places than the currency allows",
                },
            )),
        }
    }

    /// An amount in minor units of the currency with this code; `None` if it is negative or the code is unknown.
    pub fn from_minor(minor: i64, code: &str) -> Option<Self> {
        let currency = Currency::parse(code).ok()?;
        (minor >= 0).then_some(Self { minor, currency })
    }

    /// The amount in minor units, such as cents.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount with all decimal digits, such as `1234.50`.
    pub fn amount(self) -> String {
        let unit = 10_i64.pow(self.currency.scale);
        let (whole, fraction) = (self.minor / unit, self.minor % unit);
        match usize::try_from(self.currency.scale) {
            Ok(scale @ 1..) => format!("{whole}.{fraction:0>scale$}"),
            _ => whole.to_string(),
        }
    }
}

impl Field for Money {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let mut fields = object(value, at, errors)?;
        let amount = take_field::<Amount>(&mut fields, "amount", at, errors);
        let currency = take_field::<Currency>(&mut fields, "currency", at, errors);
        let complete = fields.is_empty();
        refuse_unknown_fields(fields, at, errors);
        let (Amount(amount), currency) = amount.zip(currency)?;
        match Self::parse(&amount, currency) {
            Ok(money) => complete.then_some(money),
            Err(code) => errors.refuse(&at.child("amount"), code),
        }
    }
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .property("amount", <Amount as Field>::schema())
            .property("currency", <Currency as Field>::schema())
            .required("amount")
            .required("currency")
            .examples([serde_json::json!({"amount": "1234.50", "currency": "EUR"})])
            .into()
    }
}

impl utoipa::PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        <Self as Field>::schema()
    }
}
impl utoipa::ToSchema for Money {}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut money = serializer.serialize_struct("Money", 2)?;
        money.serialize_field("amount", &self.amount())?;
        money.serialize_field("currency", self.currency.code)?;
        money.end()
    }
}

/// A string: JSON numbers may have lost precision as floats. Which values are valid depends on the currency.
struct Amount(String);

impl Field for Amount {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self(text)),
            _ => errors.refuse(at, FieldCode::WrongType("string")),
        }
    }
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9]{1,12}(\\.[0-9]{1,3})?$"))
            .examples(["1234.50"])
            .into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Money, Vec<(String, &'static str)>> {
        let mut errors = Errors::default();
        let read = Money::read(value, &Pointer::default(), &mut errors);
        let errors = errors.into_list();
        let errors = errors.into_iter().map(|e| (e.pointer, e.code.code()));
        read.ok_or_else(|| errors.collect())
    }

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        for (amount, currency, shown, minor) in [
            ("1234.5", "EUR", "1234.50", 123_450),
            ("0.07", "EUR", "0.07", 7),
            ("085", "EUR", "85.00", 8_500),
            ("1500", "JPY", "1500", 1_500),
            ("1.5", "KWD", "1.500", 1_500),
            (
                "999999999999.999",
                "KWD",
                "999999999999.999",
                999_999_999_999_999,
            ),
        ] {
            let money = read(json!({"amount": amount, "currency": currency})).unwrap();
            assert_eq!((money.minor(), money.amount().as_str()), (minor, shown));
            let again = json!({"amount": shown, "currency": currency});
            assert_eq!(serde_json::to_value(money).unwrap(), again);
        }
    }

    #[test]
    fn invalid_amounts_are_reported() {
        for (amount, currency, pointer, code) in [
            (json!("1.234"), "EUR", "/amount", "scale"),
            (json!("1.0"), "JPY", "/amount", "scale"),
            (json!("-1"), "EUR", "/amount", "invalid_format"),
            (json!("1e3"), "EUR", "/amount", "invalid_format"),
            (json!("1,5"), "EUR", "/amount", "invalid_format"),
            (json!("1."), "EUR", "/amount", "invalid_format"),
            (json!(".5"), "EUR", "/amount", "invalid_format"),
            (json!(""), "EUR", "/amount", "invalid_format"),
            (json!("1234567890123"), "EUR", "/amount", "invalid_format"),
            (json!(12.5), "EUR", "/amount", "wrong_type"),
            (json!("1"), "eur", "/currency", "invalid_format"),
            (json!("1"), "XXX", "/currency", "invalid_format"),
        ] {
            let errors = read(json!({"amount": amount, "currency": currency})).unwrap_err();
            assert_eq!(errors, [(pointer.to_owned(), code)], "{amount} {currency}");
        }
        let more = json!({"amount": "1", "currency": "EUR", "vat": true});
        assert_eq!(
            read(more).unwrap_err(),
            [("/vat".to_owned(), "unknown_field")]
        );
    }

    #[test]
    fn currency_codes_are_unique() {
        let mut codes: Vec<&str> = CURRENCIES
            .iter()
            .flat_map(|(_, codes)| codes.split_ascii_whitespace())
            .collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        assert!(codes.iter().all(|code| Currency::parse(code).is_ok()));
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(amount in "\\PC{0,20}", scale in 0..3_usize) {
            let code = CURRENCIES[scale].1.split_ascii_whitespace().next().unwrap();
            let _ = Money::parse(&amount, Currency::parse(code).unwrap());
        }

        #[test]
        fn minor_units_come_back(minor in 0..999_999_999_999_i64, scale in 0..3_usize) {
            let code = CURRENCIES[scale].1.split_ascii_whitespace().next().unwrap();
            let money = Money::from_minor(minor, code).unwrap();
            prop_assert_eq!(Money::parse(&money.amount(), money.currency()).unwrap().minor(), minor);
        }
    }
}
