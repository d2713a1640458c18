use std::rc::Rc;

use uuid::Uuid;

use crate::Error;

/// A value of SQLite, bound to a statement or read from a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// 64-bit integer.
    Integer(i64),
    /// Floating point number; no money is ever kept in one.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
    /// No value.
    Null,
}

macro_rules! value_from {
    ($($from:ty => $make:expr),+ $(,)?) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                ($make)(value)
            }
        })+
    };
}

value_from! {
    i64 => Self::Integer,
    i32 => |value| Self::Integer(i64::from(value)),
    u32 => |value| Self::Integer(i64::from(value)),
    // Times and stock stay far below 2^63; the largest integer breaks a CHECK instead of wrapping.
    u64 => |value| Self::Integer(i64::try_from(value).unwrap_or(i64::MAX)),
    bool => |value| Self::Integer(i64::from(value)),
    String => Self::Text,
    Uuid => |value: Uuid| Self::Text(value.to_string()),
    &String => |value: &String| Self::Text(value.clone()),
    &str => |value: &str| Self::Text(value.to_owned()),
    Vec<u8> => Self::Blob,
    &[u8] => |value: &[u8]| Self::Blob(value.to_vec()),
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Value {
    /// A list or an object of texts and numbers as JSON, for a column that is read with its row and never searched: see [`Row::json`].
    #[must_use]
    pub fn json<T: serde::Serialize>(value: &T) -> Self {
        // Texts and numbers can always be written.
        serde_json::to_string(value).map_or(Self::Null, Self::Text)
    }
}

/// What a column can be read as.
pub trait FromValue: Sized {
    /// What is expected, for the error.
    const EXPECTED: &'static str;

    /// The value, if it is of that type.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! integer_from_value {
    ($($type:ty),+) => {
        $(impl FromValue for $type {
            const EXPECTED: &'static str = "an integer";

            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Integer(number) => Self::try_from(*number).ok(),
                    _ => None,
                }
            }
        })+
    };
}

integer_from_value!(i64, u64, u32, u16);

impl FromValue for bool {
    const EXPECTED: &'static str = "0 or 1";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for String {
    const EXPECTED: &'static str = "text";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    const EXPECTED: &'static str = "bytes";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

impl FromValue for Uuid {
    const EXPECTED: &'static str = "a UUID";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Self::try_parse(text).ok(),
            _ => None,
        }
    }
}

/// Which column of a row: its name, or its position from 0.
pub trait Column {
    /// The position of the column among those names, from 0.
    fn position(&self, names: &[String]) -> Option<usize>;
    /// What it is called in an error.
    fn name(&self) -> String;
}

impl Column for usize {
    fn position(&self, _: &[String]) -> Option<usize> {
        Some(*self)
    }

    fn name(&self) -> String {
        self.to_string()
    }
}

impl Column for &str {
    fn position(&self, names: &[String]) -> Option<usize> {
        names.iter().position(|name| name == self)
    }

    fn name(&self) -> String {
        (*self).to_owned()
    }
}

/// One row of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub(crate) names: Rc<[String]>,
    pub(crate) values: Vec<Value>,
}

impl Row {
    /// A column by its name, or by its position from 0.
    ///
    /// # Errors
    /// [`Error::Type`] when there is no such column or it holds something else.
    pub fn get<T: FromValue>(&self, column: impl Column) -> Result<T, Error> {
        let position = column.position(&self.names);
        position
            .and_then(|position| self.values.get(position))
            .and_then(T::from_value)
            .ok_or_else(|| Error::Type {
                column: column.name(),
                expected: T::EXPECTED,
            })
    }

    /// A column that holds a list or an object in JSON, as [`Value::json`] writes it.
    ///
    /// # Errors
    /// [`Error::Type`] when there is no such column or it holds something else.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|_| Error::not(column, "JSON of its kind"))
    }

    /// The same of a document from before the objects of one of its lists had a member, which is an empty list then. `list` leads to the
    /// list (JSON Pointer, RFC 6901).
    ///
    /// # Errors
    /// As [`Self::json`].
    pub fn json_with<T: serde::de::DeserializeOwned>(
        &self,
        column: &'static str,
        list: &str,
        member: &str,
    ) -> Result<T, Error> {
        let mut document: serde_json::Value = self.json(column)?;
        let objects = document
            .pointer_mut(list)
            .and_then(|list| list.as_array_mut());
        for object in objects.into_iter().flatten() {
            if let Some(object) = object.as_object_mut() {
                let empty = || serde_json::Value::Array(Vec::new());
                object.entry(member).or_insert_with(empty);
            }
        }
        serde_json::from_value(document).map_err(|_| Error::not(column, "JSON of its kind"))
    }
}
