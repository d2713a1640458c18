//! Values that clients send and see: how they are read, written and described.

use std::collections::BTreeMap;
use std::fmt;

use checkout::domain::{CodeName, Measure, Metadata};
use mercato_edge::PathParameter;
use mercato_kernel::{FromJson, FromText, Named as _, Refusal};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

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
