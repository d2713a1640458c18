//! Validation of JSON bodies: every field at fault is named, unknown ones too, all at once.

mod draft;
mod members;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::value::RawValue;

pub use draft::Draft;
use members::{Elements, MAX_MEMBERS, Members};
pub use mercato_kernel::FromJson;

use crate::field_errors::{FieldErrors, shown};
use crate::{FieldError, FromFields, Problem};

/// A member as it came.
#[derive(Debug)]
enum Value {
    Json(Box<RawValue>),
    Cell(String),
}

/// The members of a JSON object, taken out one by one. What is wrong is collected; [`Fields::finish`] tells.
///
/// A member that could not be read comes out as a placeholder, with which nothing is done because `finish` fails.
#[derive(Debug)]
pub struct Fields {
    values: BTreeMap<String, Value>,
    prefix: String,
    errors: FieldErrors,
    /// The object has too many members: nothing else is said of it.
    is_refused: bool,
}

impl Fields {
    /// The members of the JSON object in `body`.
    ///
    /// # Errors
    /// 400 with the position when it is not JSON, or not an object.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Err(Problem::bad_request(
                "malformed-json",
                "the body is empty: send a JSON object",
            ));
        }
        Self::object(body).map_err(|error| {
            if error.is_data() {
                return Problem::bad_request("malformed-json", "the body must be a JSON object");
            }
            let (line, column) = (error.line(), column(body, &error));
            Problem::bad_request(
                "malformed-json",
                format!("the body is not valid JSON at line {line} column {column}"),
            )
        })
    }

    /// The members of a JSON object that is only a part of the body.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn object(json: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(Self::of(serde_json::from_slice(json)?, String::new()))
    }

    /// Cells that stand for the members of an object, as in a row of CSV: see [`FromJson::from_cell`].
    #[must_use]
    pub fn cells<'a>(cells: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let cells = cells.into_iter();
        let cells = cells.map(|(name, text)| (name.to_owned(), Value::Cell(text.to_owned())));
        Self {
            values: cells.collect(),
            prefix: String::new(),
            errors: FieldErrors::default(),
            is_refused: false,
        }
    }

    fn of(members: Members, prefix: String) -> Self {
        let mut fields = Self {
            values: members.values,
            prefix,
            errors: FieldErrors::default(),
            is_refused: false,
        };
        if members.are_too_many {
            fields.refuse();
            return fields;
        }
        for name in members.repeated {
            fields.reject(&name, "repeated", "is given more than once");
        }
        fields
    }

    /// Notes that the object has too many members, and that nothing else is worth saying of it.
    fn refuse(&mut self) {
        let place = match self.prefix.strip_suffix('.') {
            Some(place) => place.to_owned(),
            None => "body".to_owned(),
        };
        let message = format!("{place} must not have more than {MAX_MEMBERS} members");
        self.errors
            .push_with(|| FieldError::new(place, "max", message));
        self.is_refused = true;
        self.values.clear();
    }

    /// A member that must be there.
    pub fn required<T: FromJson>(&mut self, name: &str) -> T {
        match self.values.remove(name) {
            Some(value) => self.read(name, &value).unwrap_or_else(T::placeholder),
            None => {
                self.reject(name, "required", "is required");
                T::placeholder()
            }
        }
    }

    /// A whole number that must be there and within a range.
    pub fn required_within(&mut self, name: &str, range: RangeInclusive<u32>) -> u32 {
        let Some(value) = self.values.remove(name) else {
            return self.required(name);
        };
        let Some(given) = self.read::<i64>(name, &value) else {
            return 0;
        };
        let (min, max) = (range.start(), range.end());
        if given < i64::from(*min) {
            self.reject(name, "min", &format!("must not be less than {min}"));
        } else if given > i64::from(*max) {
            self.reject(name, "max", &format!("must not be more than {max}"));
        }
        u32::try_from(given).unwrap_or_default()
    }

    /// A member that may be absent; `null` is not a value of it.
    pub fn optional<T: FromJson>(&mut self, name: &str) -> Option<T> {
        let value = self.values.remove(name)?;
        self.read(name, &value)
    }

    /// A member that may be absent (`None`) or `null` (`Some(None)`).
    #[allow(
        clippy::option_option,
        reason = "absent and null mean different things in a PATCH"
    )]
    pub fn nullable<T: FromJson>(&mut self, name: &str) -> Option<Option<T>> {
        let value = self.values.remove(name)?;
        match &value {
            Value::Json(json) if json.get() == "null" => Some(None),
            _ => self.read(name, &value).map(Some),
        }
    }

    /// A list of at most `max` objects that must be there, each read by `item`. Of a longer one none is looked at.
    pub fn objects<T>(
        &mut self,
        name: &str,
        max: usize,
        mut item: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        self.elements(name, max, |fields, place, element| {
            let object = fields.object_at(place, element.get(), &mut item);
            // What is no object keeps its place, so that rules name those after it by theirs.
            object.or_else(|| Some(item(&mut Self::nothing())))
        })
    }

    /// As [`Fields::objects`], for a list that may be absent.
    pub fn optional_objects<T>(
        &mut self,
        name: &str,
        max: usize,
        item: impl FnMut(&mut Self) -> T,
    ) -> Option<Vec<T>> {
        self.contains(name).then(|| self.objects(name, max, item))
    }

    /// A list of at most `max` values that must be there. Of a longer one none is looked at.
    pub fn values<T: FromJson>(&mut self, name: &str, max: usize) -> Vec<T> {
        self.elements(name, max, |fields, place, element| {
            match T::from_json(element.get()) {
                Ok(value) => Some(value),
                Err((code, rest)) => {
                    fields.reject(place, code, &rest);
                    None
                }
            }
        })
    }

    /// As [`Fields::values`], for a list that may be absent.
    pub fn optional_values<T: FromJson>(&mut self, name: &str, max: usize) -> Option<Vec<T>> {
        self.contains(name).then(|| self.values(name, max))
    }

    /// All members that have not been taken, in the order of their names, for an object whose names are the client's.
    pub fn others<T: FromJson>(&mut self) -> Vec<(String, T)> {
        let mut read = Vec::new();
        for (name, value) in std::mem::take(&mut self.values) {
            if let Some(value) = self.read(&name, &value) {
                read.push((name, value));
            }
        }
        read
    }

    /// An object that must be there.
    pub fn required_object<T: FromFields>(&mut self, name: &str) -> T {
        match self.values.remove(name) {
            Some(Value::Json(json)) => {
                let read = self.object_at(name, json.get(), &mut T::from_fields);
                read.unwrap_or_else(Self::placeholder)
            }
            Some(Value::Cell(_)) => {
                self.reject(name, "type", "must be an object");
                Self::placeholder()
            }
            None => {
                self.reject(name, "required", "is required");
                Self::placeholder()
            }
        }
    }

    /// An object that may be absent; `null` is not a value of it.
    pub fn optional_object<T: FromFields>(&mut self, name: &str) -> Option<T> {
        self.contains(name).then(|| self.required_object(name))
    }

    /// An object that may be absent (`None`) or `null` (`Some(None)`).
    #[allow(
        clippy::option_option,
        reason = "absent and null mean different things in a PATCH"
    )]
    pub fn nullable_object<T: FromFields>(&mut self, name: &str) -> Option<Option<T>> {
        match self.values.get(name)? {
            Value::Json(json) if json.get() == "null" => {
                self.values.remove(name);
                Some(None)
            }
            _ => Some(Some(self.required_object(name))),
        }
    }

    /// What stands in the place of an object that could not be read, while the others are looked at.
    fn placeholder<T: FromFields>() -> T {
        T::from_fields(&mut Self::nothing())
    }

    /// An object without members, of which nobody learns what is wrong with it.
    fn nothing() -> Self {
        Self::of(Members::default(), String::new())
    }

    /// The object at that place, its members noted under it; none when it is no object.
    fn object_at<T>(
        &mut self,
        place: &str,
        json: &str,
        read: &mut impl FnMut(&mut Self) -> T,
    ) -> Option<T> {
        let Ok(members) = serde_json::from_str(json) else {
            self.reject(place, "type", "must be an object");
            return None;
        };
        let mut fields = Self::of(members, format!("{}{place}.", self.prefix));
        let object = read(&mut fields);
        self.errors.append(fields.into_all_errors());
        Some(object)
    }

    /// The elements of a list that must be there, each read by `read` at its place.
    fn elements<T>(
        &mut self,
        name: &str,
        max: usize,
        mut read: impl FnMut(&mut Self, &str, &RawValue) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.values.remove(name) else {
            self.reject(name, "required", "is required");
            return Vec::new();
        };
        let elements = match &value {
            Value::Json(json) => Elements::read(json.get(), max).ok(),
            Value::Cell(_) => None,
        };
        let Some(elements) = elements else {
            self.reject(name, "type", "must be a list");
            return Vec::new();
        };
        if elements.count > max {
            let rest = format!("must not have more than {max} entries");
            self.reject(name, "max", &rest);
            return Vec::new();
        }
        let mut items = Vec::with_capacity(elements.values.len());
        for (index, element) in elements.values.iter().enumerate() {
            let place = format!("{name}[{index}]");
            items.extend(read(self, &place, element));
        }
        items
    }

    /// Whether a member of that name is (still) there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Notes when both of two members are there; the other is at fault.
    pub fn reject_both(&mut self, one: &str, other: &str) {
        if self.values.contains_key(one) && self.values.contains_key(other) {
            let rest = format!("must not be given together with {one}");
            self.reject(other, "exclusive", &rest);
        }
    }

    /// Notes unless exactly one of two members is there.
    pub fn require_either(&mut self, one: &str, other: &str) {
        self.reject_both(one, other);
        if !self.contains(one) && !self.contains(other) {
            self.reject(one, "required", &format!("is required, or {other}"));
        }
    }

    /// Notes that a field breaks a rule; `rest` continues the sentence after the field's name.
    pub fn reject(&mut self, name: &str, code: &'static str, rest: &str) {
        if self.is_refused {
            return;
        }
        self.errors.push_with(|| {
            let field = format!("{}{}", self.prefix, shown(name));
            let message = format!("{field} {rest}");
            FieldError::new(field, code, message)
        });
    }

    /// Passes over all members that have not been taken: they are not unknown. Gives their names.
    pub fn ignore_others(&mut self) -> impl Iterator<Item = String> {
        std::mem::take(&mut self.values).into_keys()
    }

    /// All members have been taken: what is left is unknown.
    ///
    /// # Errors
    /// [`Problem::validation`] with everything that was wrong.
    pub fn finish(self) -> Result<(), Problem> {
        self.draft(()).finish()
    }

    /// All members have been taken: what they say, with all that is wrong so far.
    pub fn draft<T>(self, value: T) -> Draft<T> {
        Draft {
            value,
            errors: self.into_all_errors(),
        }
    }

    /// All members have been taken: what was wrong, and what is left because it is unknown; the first
    /// [`MAX_LISTED_ERRORS`](crate::MAX_LISTED_ERRORS) of it.
    #[must_use]
    pub fn into_errors(self) -> Vec<FieldError> {
        self.into_all_errors().into_listed()
    }

    fn into_all_errors(mut self) -> FieldErrors {
        for name in std::mem::take(&mut self.values).into_keys() {
            self.reject(&name, "unknown", "is not a known field");
        }
        self.errors
    }

    fn read<T: FromJson>(&mut self, name: &str, value: &Value) -> Option<T> {
        let read = match value {
            Value::Json(json) => T::from_json(json.get()),
            Value::Cell(text) => T::from_cell(text),
        };
        match read {
            Ok(value) => Some(value),
            Err((code, rest)) => {
                self.reject(name, code, &rest);
                None
            }
        }
    }
}

/// The column of an error in characters, from 1: the parser counts bytes.
fn column(body: &[u8], error: &serde_json::Error) -> usize {
    let line = body
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let is_continuation = |byte: &&u8| matches!(byte, 0x80..=0xbf);
    let before = line.unwrap_or_default().iter().take(error.column());
    error
        .column()
        .saturating_sub(before.filter(is_continuation).count())
}
