//! What clients send, as what it is read as: values of JSON, and texts of paths and query strings.

use std::borrow::Cow;

use crate::Named;

/// Why a value is refused: a stable code, and the rest of a sentence that begins with the field's name.
pub type Refusal = (&'static str, Cow<'static, str>);

/// What a text in a path or query string can be read as.
pub trait FromText: Sized {
    /// Reads the text.
    ///
    /// # Errors
    /// When it is not of this type, or out of its range.
    fn from_text(text: &str) -> Result<Self, Refusal>;
}

/// What a JSON value can be read as.
pub trait FromJson: Sized {
    /// What stands in the place of a value that could not be read, while the others are looked at. Nothing is done with it.
    fn placeholder() -> Self;

    /// Reads the value.
    ///
    /// # Errors
    /// When it is of another type, or out of its range.
    fn from_json(json: &str) -> Result<Self, Refusal>;

    /// Reads the value where everything is a text, as in CSV: what is no text in JSON is written as there.
    ///
    /// # Errors
    /// When it is of another type, or out of its range.
    fn from_cell(text: &str) -> Result<Self, Refusal> {
        Self::from_json(text)
    }
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        Ok(text.to_owned())
    }
}

macro_rules! parsed {
    ($($type:ty => $expected:literal),+ $(,)?) => {
        $(impl FromText for $type {
            fn from_text(text: &str) -> Result<Self, Refusal> {
                // Rust reads a leading plus; no other reader of numbers in JSON or OpenAPI does.
                let value = (!text.starts_with('+')).then(|| text.parse().ok()).flatten();
                value.ok_or(("type", Cow::Borrowed(concat!("must be ", $expected))))
            }
        })+
    };
}

parsed! {
    bool => "true or false",
    u32 => "a whole number",
    u64 => "a whole number",
}

impl FromJson for bool {
    fn placeholder() -> Self {
        false
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        serde_json::from_str(json).map_err(|_| ("type", "must be true or false".into()))
    }
}

impl FromJson for String {
    fn placeholder() -> Self {
        Self::new()
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        serde_json::from_str(json).map_err(|_| ("type", "must be a string".into()))
    }

    fn from_cell(text: &str) -> Result<Self, Refusal> {
        Ok(text.to_owned())
    }
}

/// JSON has one kind of number: `2.0` and `2e0` are as whole as `2` (JSON Schema, section 6.1.1).
macro_rules! whole_from_json {
    ($($type:ty => $expected:literal),+ $(,)?) => {
        $(impl FromJson for $type {
            fn placeholder() -> Self {
                Self::default()
            }

            fn from_json(json: &str) -> Result<Self, Refusal> {
                let refused = || ("type", Cow::Borrowed(concat!("must be ", $expected)));
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

/// The value of that name.
///
/// # Errors
/// When there is none; all names are listed.
pub fn named<T: Named>(text: &str) -> Result<T, Refusal> {
    let found = T::ALL.iter().copied().find(|value| {
        let name = value.name();
        name == text || (T::IGNORES_CASE && name.eq_ignore_ascii_case(text))
    });
    found.ok_or_else(|| {
        let names: Vec<&str> = T::ALL.iter().map(|value| value.name()).collect();
        let rule = format!("must be one of {}", names.join(", "));
        ("format", rule.into())
    })
}

/// Implements [`FromText`] and [`FromJson`] for a type by a function that reads a text, with what is its placeholder:
/// `read_from_text!(Sku, |text: &str| Ok(Self(text.to_owned())), Self(String::new()));`
#[macro_export]
macro_rules! read_from_text {
    ($type:ty, $read:expr, $placeholder:expr) => {
        impl $crate::FromText for $type {
            fn from_text(text: &str) -> Result<Self, $crate::Refusal> {
                $read(text)
            }
        }

        impl $crate::FromJson for $type {
            fn placeholder() -> Self {
                $placeholder
            }

            fn from_json(json: &str) -> Result<Self, $crate::Refusal> {
                $crate::FromText::from_text(&<String as $crate::FromJson>::from_json(json)?)
            }

            fn from_cell(text: &str) -> Result<Self, $crate::Refusal> {
                $crate::FromText::from_text(text)
            }
        }
    };
}

/// Makes a struct around a `String` a value that is sent as a text, whatever the text is; the rules are the domain's:
/// `text_value!(Sku);`
#[macro_export]
macro_rules! text_value {
    ($name:ident) => {
        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        $crate::read_from_text!(
            $name,
            |text: &str| Ok(Self(text.to_owned())),
            Self(String::new())
        );
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OrderId;

    #[test]
    fn an_id_is_read_from_texts_alone() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        let id = OrderId::parse(text).unwrap();
        assert_eq!(OrderId::from_text(text), Ok(id));
        assert_eq!(OrderId::from_json(&format!("\"{text}\"")), Ok(id));
        assert_eq!(OrderId::from_json("7").unwrap_err().0, "type");
        assert_eq!(OrderId::from_json("\"7\"").unwrap_err().0, "format");
    }

    #[test]
    fn a_cell_is_a_text_or_what_json_writes() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(OrderId::from_cell(text).unwrap().to_string(), text);
        assert_eq!(String::from_cell("null"), Ok("null".to_owned()));
        assert_eq!(
            (u32::from_cell("7"), bool::from_cell("true")),
            (Ok(7), Ok(true))
        );
        assert_eq!(u32::from_cell("\"7\"").unwrap_err().0, "type");
    }

    #[test]
    fn a_number_of_a_query_has_no_plus() {
        assert_eq!(u32::from_text("7"), Ok(7));
        for wrong in ["+7", "-7", "7.0", "", "99999999999"] {
            assert_eq!(u32::from_text(wrong).unwrap_err().0, "type", "{wrong}");
        }
    }
}
