//! Values that clients send and see: how they are read, written and described.

use std::collections::BTreeMap;
use std::fmt;

use checkout::domain::{CodeName, Measure, Metadata, Rate};
use mercato_edge::PathParameter;
use mercato_kernel::{FromJson, FromText, Named as _, Refusal};
use mercato_money::{Money, MoneyError};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A percentage: a decimal number of at most four places, from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(pub Rate);

impl PartialSchema for Percent {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(0.0))
            .maximum(Some(100.0))
            .multiple_of(Some(0.0001))
            .description(Some("A percentage with at most four decimal places"))
            .examples([serde_json::json!(20)]);
        RefOr::T(Schema::Object(schema.build()))
    }
}

impl ToSchema for Percent {}

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

/// What an option of shipping goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By(pub Measure);

impl PartialSchema for By {
    fn schema() -> RefOr<Schema> {
        mercato_kernel::named::schema_of::<Measure>()
    }
}

impl ToSchema for By {
    fn name() -> std::borrow::Cow<'static, str> {
        "ShippingMeasure".into()
    }
}

impl FromJson for By {
    fn placeholder() -> Self {
        Self(Measure::Weight)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        Measure::from_json(json).map(Self)
    }
}

impl Serialize for By {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

/// The code in a path; capital and small letters are the same.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9._-]+$")]
pub struct CodePath(pub CodeName);

impl FromText for CodePath {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        CodeName::parse(text).map(Self)
    }
}

impl PathParameter for CodePath {
    const MEANING: &'static str = "The discount code; capital and small letters are the same.";
    const EXAMPLE: Option<&'static str> = Some("ROAST10");
}

/// Texts of the shop front by keys of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub Metadata);

impl FromJson for Texts {
    fn placeholder() -> Self {
        Self::default()
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        let refused = |_| ("type", "must be an object whose values are texts".into());
        let entries: Entries = serde_json::from_str(json).map_err(refused)?;
        Metadata::parse(entries.0).map(Self)
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.0.entries().iter();
        let by_key: BTreeMap<_, _> = entries.map(|(key, value)| (key, value)).collect();
        by_key.serialize(serializer)
    }
}

/// The members of an object, also those that stand in it more than once.
struct Entries(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn metadata_is_an_object_of_texts_with_each_key_once() {
        let read = |json: &str| Texts::from_json(json);
        let texts = read(r#"{"b":"2","a":"1"}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&texts).unwrap(),
            r#"{"a":"1","b":"2"}"#
        );
        for (json, code) in [
            (r#"{"a":1}"#, "type"),
            ("[]", "type"),
            (r#"{"a":"1","a":"2"}"#, "repeated"),
            (r#"{"":"1"}"#, "required"),
        ] {
            assert_eq!(read(json).unwrap_err().0, code, "{json}");
        }
    }
}
