//! Validation of JSON bodies: every field at fault is named, unknown ones too, all at once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;

use mercato_money::{Money, MoneyError};
use mercato_platform::ids;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::field_errors::{FieldErrors, shown};
use crate::{FieldError, Problem};

/// Most members of an object. No object of the API has nearly as many; in one that has more, none is looked at.
const MAX_MEMBERS: usize = 100;

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

/// The members of an object, and the names that stand in it more than once: of those nobody can say which one counts
/// (RFC 8259 section 4), and another reader on the way may have seen the other one.
#[derive(Debug, Default)]
struct Members {
    values: BTreeMap<String, Box<RawValue>>,
    repeated: BTreeSet<String>,
    /// There are more than [`MAX_MEMBERS`].
    are_too_many: bool,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        let mut count = 0_usize;
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            count = count.saturating_add(1);
            if count > MAX_MEMBERS {
                members.are_too_many = true;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                break;
            }
            match members.values.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(place) => {
                    members.repeated.insert(place.key().clone());
                }
            }
        }
        Ok(members)
    }
}

/// The elements of a list, as long as they are not more than `MAX`; otherwise how many there are.
#[derive(Debug)]
struct Elements<'a> {
    values: Vec<&'a RawValue>,
    count: usize,
}

impl<'de> Elements<'de> {
    fn read(json: &'de str, max: usize) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        deserializer.deserialize_seq(ElementsVisitor { max })
    }
}

struct ElementsVisitor {
    max: usize,
}

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Elements<'de>, A::Error> {
        let (mut values, mut count) = (Vec::new(), 0_usize);
        while count < self.max
            && let Some(value) = list.next_element()?
        {
            values.push(value);
            count = count.saturating_add(1);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(Elements { values, count })
    }
}

/// The members of a JSON object, taken out one by one. What is wrong is collected; [`Fields::finish`] tells.
///
/// A member that could not be read comes out as its type's default, which is never used because `finish` fails.
#[derive(Debug)]
pub struct Fields {
    values: BTreeMap<String, Box<RawValue>>,
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
            Some(raw) => self.read(name, raw.get()).unwrap_or_default(),
            None => {
                self.reject(name, "required", "is required");
                T::default()
            }
        }
    }

    /// An identifier that must be there.
    pub fn required_id(&mut self, name: &str) -> String {
        match self.values.remove(name) {
            Some(raw) => self.id(name, &raw),
            None => self.required(name),
        }
    }

    /// An identifier that may be absent; `null` is none.
    pub fn optional_id(&mut self, name: &str) -> Option<String> {
        let raw = self.values.remove(name)?;
        Some(self.id(name, &raw))
    }

    fn id(&mut self, name: &str, raw: &RawValue) -> String {
        let given: String = self.read(name, raw.get()).unwrap_or_default();
        match ids::parse(&given) {
            Ok(id) => id,
            // What is no string at all has been told already.
            Err(error) => {
                if raw.get().starts_with('"') {
                    self.reject(name, "format", &error.to_string());
                }
                given
            }
        }
    }

    /// A whole number that must be there and within a range.
    pub fn required_within(&mut self, name: &str, range: RangeInclusive<u32>) -> u32 {
        let Some(raw) = self.values.remove(name) else {
            return self.required(name);
        };
        let Some(given) = self.read::<i64>(name, raw.get()) else {
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
        let raw = self.values.remove(name)?;
        self.read(name, raw.get())
    }

    /// A member that may be absent (`None`) or `null` (`Some(None)`).
    #[allow(
        clippy::option_option,
        reason = "absent and null mean different things in a PATCH"
    )]
    pub fn nullable<T: FromJson>(&mut self, name: &str) -> Option<Option<T>> {
        let raw = self.values.remove(name)?;
        if raw.get() == "null" {
            Some(None)
        } else {
            self.read(name, raw.get()).map(Some)
        }
    }

    /// A list of at most `max` objects that must be there, each read by `item`. Of a longer one none is looked at.
    pub fn objects<T>(
        &mut self,
        name: &str,
        max: usize,
        mut item: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let Some(raw) = self.values.remove(name) else {
            self.reject(name, "required", "is required");
            return Vec::new();
        };
        let Ok(elements) = Elements::read(raw.get(), max) else {
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
            let Ok(members) = serde_json::from_str(element.get()) else {
                self.reject(&place, "type", "must be an object");
                continue;
            };
            let mut fields = Self::of(members, format!("{}{place}.", self.prefix));
            items.push(item(&mut fields));
            self.errors.append(fields.into_all_errors());
        }
        items
    }

    /// Whether a member of that name is (still) there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
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

    /// Passes over all members that have not been taken: they are not unknown.
    pub fn ignore_others(&mut self) {
        self.values.clear();
    }

    /// All members have been taken: what is left is unknown.
    ///
    /// # Errors
    /// [`Problem::validation`] with everything that was wrong.
    pub fn finish(self) -> Result<(), Problem> {
        let errors = self.into_all_errors();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::of_fields(errors))
        }
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

    fn read<T: FromJson>(&mut self, name: &str, json: &str) -> Option<T> {
        match T::from_json(json) {
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

/// What a body says, if it could be read; a member that could not has its type's default.
#[derive(Debug)]
#[must_use = "what is wrong with it is told by `check`"]
pub struct Draft<T> {
    value: T,
    errors: FieldErrors,
}

impl<T> Draft<T> {
    /// The value, if all of it could be read. Otherwise `rules` says what is wrong with the rest, so that whoever
    /// corrects a form learns everything at once.
    ///
    /// # Errors
    /// [`Problem::validation`] with every field at fault; of one that could not be read the rules have nothing to add.
    pub fn check(self, rules: impl FnOnce(&T) -> Vec<FieldError>) -> Result<T, Problem> {
        let Self { value, mut errors } = self;
        if errors.is_empty() {
            return Ok(value);
        }
        let mut broken = rules(&value);
        broken.retain(|error| {
            let known = errors.listed();
            known.iter().all(|known| known.field != error.field)
        });
        errors.append(broken.into_iter().collect());
        Err(Problem::of_fields(errors))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::MAX_LISTED_ERRORS;

    fn errors(result: Result<(), Problem>) -> Vec<(String, String)> {
        let document = result.unwrap_err().document("/", "r", "t");
        let pair = |error: &serde_json::Value| {
            (
                error["field"].as_str().unwrap().to_owned(),
                error["code"].as_str().unwrap().to_owned(),
            )
        };
        document["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(pair)
            .collect()
    }

    #[test]
    fn members_are_read_by_type() {
        let mut fields = Fields::parse(
            br#"{"name":"a","price":0.1,"stock":3,"sku":null,"items":[{"quantity":2}]}"#,
        )
        .unwrap();
        assert_eq!(fields.required::<String>("name"), "a");
        assert_eq!(fields.required::<Money>("price").units(), 1_000);
        assert_eq!(fields.optional::<u64>("stock"), Some(3));
        assert_eq!(fields.optional::<bool>("absent"), None);
        assert_eq!(fields.nullable::<String>("sku"), Some(None));
        assert_eq!(
            fields.objects("items", 9, |item| item.required::<u32>("quantity")),
            [2]
        );
        fields.finish().unwrap();
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
        for (json, number) in [("2.0", 2), ("2e0", 2), ("0.2e1", 2), ("-0.0", 0)] {
            assert_eq!(u32::from_json(json), Ok(number), "{json}");
        }
        for json in ["2.5", "1e10", "-1.0", "1e400", "\"2\"", "null", "true"] {
            assert!(u32::from_json(json).is_err(), "{json}");
        }
        assert_eq!(i64::from_json("-3.0"), Ok(-3));
        assert_eq!(u64::from_json("18446744073709551615"), Ok(u64::MAX));
        assert!(
            u64::from_json("1e16").is_err(),
            "not every number that large is told apart"
        );
    }

    #[test]
    fn what_cannot_be_read_and_what_breaks_a_rule_are_told_together() {
        let check = |body: &str| {
            let mut fields = Fields::parse(body.as_bytes()).unwrap();
            let pair = (
                fields.required::<String>("name"),
                fields.required::<u64>("stock"),
            );
            fields.draft(pair).check(|(name, _)| {
                let rule = |field| FieldError::new(field, "rule", "breaks it");
                let mut errors = vec![rule("stock")];
                errors.extend(name.is_empty().then(|| rule("name")));
                errors
            })
        };
        // The rules are asked only when something else is wrong: the domain has the last word anyway.
        assert_eq!(
            check(r#"{"name":"","stock":1}"#).unwrap(),
            (String::new(), 1)
        );
        for (body, expected) in [
            (
                r#"{"name":"","stock":"x","colour":1}"#,
                &[("stock", "type"), ("colour", "unknown"), ("name", "rule")][..],
            ),
            (r#"{"stock":1}"#, &[("name", "required"), ("stock", "rule")]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
                .collect();
            assert_eq!(errors(check(body).map(drop)), expected, "{body}");
        }
    }

    #[test]
    fn identifiers_and_ranges_are_checked_where_they_are_read() {
        const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
        let read = |body: String| {
            let mut fields = Fields::parse(body.as_bytes()).unwrap();
            let read = (fields.required_id("id"), fields.required_within("n", 1..=9));
            fields.finish().map(|()| read)
        };
        for (given, number) in [("1", 1), ("9", 9), ("2.0", 2)] {
            let body = format!(r#"{{"id":"{ID}","n":{given}}}"#);
            assert_eq!(read(body).unwrap(), (ID.to_owned(), number));
        }
        for (body, id, number) in [
            (r#"{"id":"x","n":0}"#, "format", "min"),
            (r#"{"id":7,"n":10}"#, "type", "max"),
            (r#"{"id":null,"n":-1}"#, "type", "min"),
            (r#"{"id":"","n":1.5}"#, "format", "type"),
            ("{}", "required", "required"),
        ] {
            let expected = [("id", id), ("n", number)]
                .map(|(field, code)| (field.to_owned(), code.to_owned()));
            assert_eq!(errors(read(body.to_owned()).map(drop)), expected, "{body}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let mut fields = Fields::parse(
            br#"{"name":1,"price":0.12345,"role":"admin","items":[{"quantity":-1,"x":1},7]}"#,
        )
        .unwrap();
        fields.required::<String>("name");
        fields.required::<Money>("price");
        fields.required::<u64>("stock");
        fields.objects("items", 9, |item| item.required::<u32>("quantity"));
        let expected = [
            ("name", "type"),
            ("price", "precision"),
            ("stock", "required"),
            ("items[0].quantity", "type"),
            ("items[0].x", "unknown"),
            ("items[1]", "type"),
            ("role", "unknown"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
            .collect();
        assert_eq!(errors(fields.finish()), expected);
    }

    #[test]
    fn what_is_not_a_json_object_is_refused_with_its_place() {
        for (body, detail) in [
            ("", "the body is empty: send a JSON object"),
            (
                "{\"a\":\n  oops}",
                "the body is not valid JSON at line 2 column 3",
            ),
            ("{\"a\":1", "the body is not valid JSON at line 1 column 6"),
            ("[1]", "the body must be a JSON object"),
            ("null", "the body must be a JSON object"),
            ("{} {}", "the body is not valid JSON at line 1 column 4"),
            ("{}x", "the body is not valid JSON at line 1 column 3"),
            (
                "\u{feff}{}",
                "the body is not valid JSON at line 1 column 1",
            ),
            (
                "{\"é\": \"日本\", oops}",
                "the body is not valid JSON at line 1 column 13",
            ),
            (
                "{\"a\":\n\"日\", 🍵}",
                "the body is not valid JSON at line 2 column 6",
            ),
            (
                "{\"a\":NaN}",
                "the body is not valid JSON at line 1 column 6",
            ),
            (
                "{\"a\":01}",
                "the body is not valid JSON at line 1 column 7",
            ),
            (
                "{\"\\ud800\":1}",
                "the body is not valid JSON at line 1 column 9",
            ),
        ] {
            let document = Fields::parse(body.as_bytes())
                .unwrap_err()
                .document("/", "r", "t");
            assert_eq!(document["detail"], detail, "{body}");
        }
    }

    #[test]
    fn a_member_may_stand_in_an_object_only_once() {
        let mut fields = Fields::parse(
            br#"{"name":"a","name":"b","items":[{"quantity":1,"quantity":2}],"role":1,"role":2}"#,
        )
        .unwrap();
        fields.required::<String>("name");
        fields.objects("items", 9, |item| item.required::<u32>("quantity"));
        let expected = [
            ("name", "repeated"),
            ("role", "repeated"),
            ("items[0].quantity", "repeated"),
            ("role", "unknown"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
            .collect();
        assert_eq!(errors(fields.finish()), expected);
    }

    #[test]
    fn values_that_cannot_be_are_refused_by_name() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for value in ["\"\\ud800\"", "1e999", "-1", "1.5", "null", &deep] {
            let mut fields =
                Fields::parse(format!("{{\"a\":{value},\"b\":{value}}}").as_bytes()).unwrap();
            fields.required::<String>("a");
            fields.required::<u64>("b");
            let named: Vec<_> = errors(fields.finish())
                .into_iter()
                .map(|(field, _)| field)
                .collect();
            assert_eq!(named, ["a", "b"], "{value:.20}");
        }
    }

    /// Most bytes of an answer, whatever was sent: [`MAX_LISTED_ERRORS`] with names of which each character is escaped.
    const MAX_ANSWER_BYTES: usize = 60_000;

    fn answer(body: &[u8]) -> (usize, serde_json::Value) {
        let document = read(body).unwrap_err().document("/", "r", "t");
        (document.to_string().len(), document)
    }

    #[test]
    fn a_list_that_is_too_long_is_one_error_and_none_of_it_is_read() {
        let list = vec!["{}"; 20_000].join(",");
        let (bytes, document) = answer(format!("{{\"name\":\"a\",\"items\":[{list}]}}").as_bytes());
        assert!(bytes < 1_000, "{bytes}");
        assert_eq!(document["errors"].as_array().unwrap().len(), 1);
        assert_eq!(document["errors"][0]["code"], "max");
        assert_eq!(
            document["detail"],
            "items must not have more than 9 entries"
        );
    }

    #[test]
    fn an_object_with_too_many_members_is_one_error() {
        let members = |count| {
            let members: Vec<String> = (0..count).map(|n| format!("\"m{n}\":{n}")).collect();
            members.join(",")
        };
        let (_, document) = answer(format!("{{{}}}", members(101)).as_bytes());
        assert_eq!(
            document["detail"],
            "body must not have more than 100 members"
        );
        let inner = format!("{{\"name\":\"a\",\"items\":[{{{}}},{{}}]}}", members(5_000));
        let named = errors(read(inner.as_bytes()));
        let pair = |field: &str, code: &str| (field.to_owned(), code.to_owned());
        assert_eq!(
            named,
            [
                pair("items[0]", "max"),
                pair("items[1].quantity", "required")
            ]
        );
        // As many as there may be are told one by one, up to the bound.
        let (_, document) = answer(format!("{{{}}}", members(100)).as_bytes());
        assert_eq!(
            document["errors"].as_array().unwrap().len(),
            MAX_LISTED_ERRORS
        );
        assert_eq!(document["errorsTotal"], 102);
        assert_eq!(document["detail"], "102 fields are invalid");
    }

    #[test]
    fn long_names_come_back_cut() {
        let body = format!(
            "{{\"name\":\"a\",\"items\":[],\"{}\":1}}",
            "x".repeat(60_000)
        );
        let (bytes, document) = answer(body.as_bytes());
        assert!(bytes < 1_000, "{bytes}");
        assert_eq!(
            document["errors"][0]["field"],
            format!("{}…", "x".repeat(63))
        );
    }

    #[test]
    fn the_worst_body_is_answered_in_so_many_bytes() {
        let name = |n: usize| format!("{}{n}", "\\u0001".repeat(99));
        let members: Vec<String> = (0..100).map(|n| format!("\"{}\":1", name(n))).collect();
        let worst = format!("{{{}}}", members.join(","));
        let (bytes, document) = answer(worst.as_bytes());
        assert_eq!(
            document["errors"].as_array().unwrap().len(),
            MAX_LISTED_ERRORS
        );
        assert!(bytes <= MAX_ANSWER_BYTES, "{bytes}");
        for value in [
            "9".repeat(60_000),
            format!("0.{}", "9".repeat(60_000)),
            format!("\"{}\"", "y".repeat(60_000)),
        ] {
            let body =
                format!("{{\"name\":{value},\"price\":{value},\"sku\":{value},\"items\":{value}}}");
            let (bytes, _) = answer(body.as_bytes());
            assert!(bytes < 2_000, "{bytes}");
        }
    }

    fn read(body: &[u8]) -> Result<(), Problem> {
        let mut fields = Fields::parse(body)?;
        fields.required::<String>("name");
        fields.optional::<Money>("price");
        fields.nullable::<String>("sku");
        fields.objects("items", 9, |item| item.required::<u32>("quantity"));
        fields.finish()
    }

    proptest! {
        #[test]
        fn text_and_numbers_come_out_as_they_went_in(text in any::<String>(), number: u64, signed: i64) {
            let body = serde_json::json!({ "text": text, "number": number, "signed": signed }).to_string();
            let mut fields = Fields::parse(body.as_bytes()).unwrap();
            prop_assert_eq!(fields.required::<String>("text"), text);
            prop_assert_eq!(fields.required::<u64>("number"), number);
            prop_assert_eq!(fields.required::<i64>("signed"), signed);
            prop_assert!(fields.finish().is_ok());
        }

        #[test]
        fn an_answer_never_grows_with_the_body(
            name in "[a\\u{1}é🍵\"]{0,300}",
            count in 0..4_000_usize,
            filler in prop_oneof![Just("{}"), Just("[]"), Just("1"), Just("{\"a\":1,\"a\":2}"), Just("{\"quantity\":-1}"), Just("null")],
        ) {
            let members: Vec<String> = (0..count)
                .map(|n| format!("{}:{filler}", serde_json::Value::from(format!("{name}{n}"))))
                .collect();
            let list = vec![filler; count].join(",");
            for body in [
                format!("{{{}}}", members.join(",")),
                format!("{{\"items\":[{list}]}}"),
                format!("{{\"items\":[{{{}}}]}}", members.join(",")),
            ] {
                let (bytes, document) = answer(body.as_bytes());
                prop_assert!(bytes <= MAX_ANSWER_BYTES, "{}", bytes);
                prop_assert!(document["errors"].as_array().unwrap().len() <= MAX_LISTED_ERRORS);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Err(problem) = read(&bytes) {
                prop_assert_eq!(problem.status().as_u16(), 400);
            }
        }

        #[test]
        fn anything_like_json_is_read_or_refused(body in r#"\{("(name|price|sku|items)":("[a\\\\u"]{0,4}"|-?[0-9]{1,3}(\.[0-9])?|null|\[\{\}?\]|[\[{]{0,9}),?){0,4}\}"#) {
            if let Err(problem) = read(body.as_bytes()) {
                prop_assert_eq!(problem.status().as_u16(), 400);
            }
        }
    }
}
