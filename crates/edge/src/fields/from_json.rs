//! JSON values as what they are read as.

use mercato_money::{Money, MoneyError};

/// What a JSON value can be read as.
pub trait FromJson: Sized + Default {
    /// Reads the value; an error is a stable code and the rest of a sentence that begins with the field's name.
    ///
    /// # Errors
    /// When the value is of another type or out of its range.
    fn from_json(json: &str) -> Result<Self, (&'static str, String)>;
}

macro_rules! from_json {
    ($($type:ty => $expected:literal),+ $(,)?) => {
        $(impl FromJson for $type {
            fn from_json(json: &str) -> Result<Self, (&'static str, String)> {
                serde_json::from_str(json).map_err(|_| ("type", concat!("must be ", $expected).to_owned()))
            }
        })+
    };
}

from_json! {
    String => "a string",
    bool => "true or false",
}

/// JSON has one kind of number: `2.0` and `2e0` are as whole as `2` (JSON Schema, section 6.1.1).
macro_rules! whole_from_json {
    ($($type:ty => $expected:literal),+ $(,)?) => {
        $(impl FromJson for $type {
            fn from_json(json: &str) -> Result<Self, (&'static str, String)> {
                let refused = || ("type", concat!("must be ", $expected).to_owned());
                serde_json::from_str(json)
                    .ok()
                    .or_else(|| whole(json).and_then(|number| Self::try_from(number).ok()))
                    .ok_or_else(refused)
            }
        })+
    };
}

whole_from_json! {
    u32 => "a whole number from 0 to 4294967295",
    u64 => "a whole number from 0",
    i64 => "a whole number",
}

/// A number that is whole though it is not written so, as far as floating point tells every one of them apart.
fn whole(json: &str) -> Option<i64> {
    const MAX_EXACT: f64 = 9_007_199_254_740_991.0;
    let number: f64 = serde_json::from_str(json).ok()?;
    let is_whole = number.fract() == 0.0 && number.abs() <= MAX_EXACT;
    #[allow(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
    is_whole.then_some(number as i64)
}

impl FromJson for Money {
    fn from_json(json: &str) -> Result<Self, (&'static str, String)> {
        json.parse().map_err(|error: MoneyError| {
            let code = match error {
                MoneyError::TooPrecise => "precision",
                MoneyError::Overflow => "max",
                MoneyError::Malformed | MoneyError::UnknownCurrency => "type",
            };
            (code, error.to_string())
        })
    }
}
