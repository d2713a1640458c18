//! Values that the whole API speaks of: how they are read, written and described.

use mercato_money::{Currency, Money, MoneyError, Rate};
use mercato_platform::clock::{parse_moment, rfc3339};
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{FromJson, FromText, Refusal};

/// Largest price, in units of the currency.
const MAX_AMOUNT: f64 = 1_000_000_000.0;

/// Smallest step of an amount, in units of the currency.
const AMOUNT_STEP: f64 = 0.0001;

macro_rules! described {
    ($name:ident => $schema:expr) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let object: Object = $schema.build();
                RefOr::T(Schema::Object(object))
            }
        }

        impl ToSchema for $name {}
    };
}

macro_rules! sum_of_money {
    ($(#[$documentation:meta])* $name:ident => $schema:expr) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Money);

        described!($name => $schema);

        impl From<Money> for $name {
            fn from(money: Money) -> Self {
                Self(money)
            }
        }
    };
}

sum_of_money! {
    /// An amount of money: a decimal number of at most four places, not less than 0.
    Amount => ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0.0))
        .multiple_of(Some(AMOUNT_STEP))
        .description(Some("An amount of money in units of the currency, with at most four decimal places"))
        .examples([serde_json::json!(12.5)])
}

sum_of_money! {
    /// A sum of money that may be less than nothing.
    Balance => ObjectBuilder::new()
        .schema_type(Type::Number)
        .multiple_of(Some(AMOUNT_STEP))
        .description(Some("A sum of money in units of the currency, with at most four decimal places; it may be negative"))
        .examples([serde_json::json!(12.5)])
}

sum_of_money! {
    /// A price that a product may have. Its bounds are the catalogue's rule; here it is a decimal number.
    Price => ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0.0))
        .maximum(Some(MAX_AMOUNT))
        .multiple_of(Some(AMOUNT_STEP))
        .description(Some("A price in units of the currency, with at most four decimal places"))
        .examples([serde_json::json!(12.5)])
}

impl FromJson for Amount {
    fn placeholder() -> Self {
        Self(Money::ZERO)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        let amount = decimal(json)?;
        if amount < Money::ZERO {
            return Err(("min", "must not be less than 0".into()));
        }
        Ok(Self(amount))
    }
}

impl FromJson for Price {
    fn placeholder() -> Self {
        Self(Money::ZERO)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        decimal(json).map(Self)
    }
}

impl FromText for Price {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        let refused = |_| ("type", "must be an amount such as 12.50".into());
        text.parse().map(Self).map_err(refused)
    }
}

fn decimal(json: &str) -> Result<Money, Refusal> {
    json.parse().map_err(|error: MoneyError| {
        let code = match error {
            MoneyError::TooPrecise => "precision",
            MoneyError::Overflow => "max",
            MoneyError::Malformed | MoneyError::UnknownCurrency => "type",
        };
        (code, error.to_string().into())
    })
}

/// A percentage: a decimal number of at most four places, from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(pub Rate);

described! {
    Percent => ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0.0))
        .maximum(Some(100.0))
        .multiple_of(Some(AMOUNT_STEP))
        .description(Some("A percentage with at most four decimal places"))
        .examples([serde_json::json!(20)])
}

impl FromJson for Percent {
    fn placeholder() -> Self {
        Self(Rate::ZERO)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        let percent: Money = json.parse().map_err(|error: MoneyError| match error {
            MoneyError::TooPrecise => ("precision", error.to_string().into()),
            _ => ("type", "must be a decimal number such as 8.875".into()),
        })?;
        if percent < Money::ZERO {
            return Err(("min", "must not be less than 0".into()));
        }
        let rate = Rate::from_percent(percent);
        rate.map(Self)
            .ok_or_else(|| ("max", "must not be more than 100".into()))
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.percent().serialize(serializer)
    }
}

/// The currency of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrencyCode(pub Currency);

described! {
    CurrencyCode => ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(3))
        .max_length(Some(3))
        .pattern(Some("^[A-Z]{3}$"))
        .description(Some("A currency's code (ISO 4217)"))
        .examples([serde_json::json!("EUR")])
}

impl Serialize for CurrencyCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.code())
    }
}

/// A moment: milliseconds since the Unix epoch, written as RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

described! {
    Timestamp => ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("A moment (RFC 3339) in UTC, with milliseconds"))
        .examples([serde_json::json!("2026-03-01T09:30:00.000Z")])
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

impl FromText for Timestamp {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        const RULE: &str =
            "must be a time such as 2026-03-01T09:30:00.000Z (RFC 3339; a plus sign is %2B)";
        let refused = || ("format", RULE.into());
        parse_moment(text).map(Self).ok_or_else(refused)
    }
}

impl FromJson for Timestamp {
    fn placeholder() -> Self {
        Self(0)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        Self::from_text(&String::from_json(json)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_not_less_than_nothing() {
        assert_eq!(Amount::from_json("0").unwrap(), Amount(Money::ZERO));
        assert_eq!(Amount::from_json("-1").unwrap_err().0, "min");
        assert_eq!(Amount::from_json("1.00001").unwrap_err().0, "precision");
        assert!(Price::from_json("-1").is_ok(), "the catalogue refuses it");
    }

    #[test]
    fn a_percentage_is_0_to_100_with_four_places() {
        let read = |json: &str| Percent::from_json(json);
        assert_eq!(read("8.875").unwrap().0.units(), 88_750);
        assert_eq!(serde_json::to_string(&read("20.0").unwrap()).unwrap(), "20");
        for (json, code) in [
            ("-1", "min"),
            ("100.1", "max"),
            ("0.00001", "precision"),
            ("\"20\"", "type"),
        ] {
            assert_eq!(read(json).unwrap_err().0, code, "{json}");
        }
    }

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        let text = "2026-03-01T09:30:00.000Z";
        let moment = Timestamp::from_text(text).unwrap();
        assert_eq!(serde_json::to_value(moment).unwrap(), text);
        assert_eq!(Timestamp::from_text("yesterday").unwrap_err().0, "format");
        assert_eq!(Timestamp::from_json(&format!("{text:?}")), Ok(moment));
        assert_eq!(Timestamp::from_json("1772357400000").unwrap_err().0, "type");
    }
}
