//! Schemas of what the whole API speaks of, for `#[schema(value_type = …)]`.

use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Largest price, in units of the currency.
const MAX_AMOUNT: f64 = 1_000_000_000.0;

/// Smallest step of an amount, in units of the currency.
const AMOUNT_STEP: f64 = 0.0001;

macro_rules! schema_only {
    ($(#[$documentation:meta])* $name:ident => $schema:expr) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let object: Object = $schema.build();
                RefOr::T(Schema::Object(object))
            }
        }

        impl ToSchema for $name {}
    };
}

schema_only! {
    /// An amount of money: a decimal number of at most four places.
    Amount => ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0.0))
        .multiple_of(Some(AMOUNT_STEP))
        .description(Some("An amount of money in units of the currency, with at most four decimal places"))
        .examples([serde_json::json!(12.5)])
}

schema_only! {
    /// A sum of money that may be less than nothing.
    Balance => ObjectBuilder::new()
        .schema_type(Type::Number)
        .multiple_of(Some(AMOUNT_STEP))
        .description(Some("A sum of money in units of the currency, with at most four decimal places; it may be negative"))
        .examples([serde_json::json!(12.5)])
}

schema_only! {
    /// A price that a product may have.
    Price => ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0.0))
        .maximum(Some(MAX_AMOUNT))
        .multiple_of(Some(AMOUNT_STEP))
        .description(Some("A price in units of the currency, with at most four decimal places"))
        .examples([serde_json::json!(12.5)])
}

schema_only! {
    /// An identifier: a UUID in lower case.
    Id => ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("uuid".to_owned())))
        .description(Some("A UUID (RFC 9562)"))
        .examples([serde_json::json!("01890a5d-ac96-774b-bcce-b302099a8057")])
}

schema_only! {
    /// A moment: RFC 3339 in UTC with milliseconds.
    Timestamp => ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("A moment (RFC 3339) in UTC, with milliseconds"))
        .examples([serde_json::json!("2026-03-01T09:30:00.000Z")])
}
