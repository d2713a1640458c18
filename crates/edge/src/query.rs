//! QueryString strings, with unknown parameters refused.

use mercato_kernel::FromText;

use crate::field_errors::{FieldErrors, shown};
use crate::router::percent_decode;
use crate::{Draft, FieldError, Problem};

/// Most parameters of a query string. No operation takes nearly as many; of one that has more none is looked at.
const MAX_PARAMETERS: usize = 100;

/// The parameters of a query string, taken out one by one; [`QueryString::finish`] tells what was wrong.
#[derive(Debug)]
pub struct QueryString {
    pairs: Vec<(String, String)>,
    errors: FieldErrors,
    is_of_admin: bool,
}

impl QueryString {
    /// The parameters of `text`, the part of a URL after `?`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = Self {
            pairs: Vec::new(),
            errors: FieldErrors::default(),
            is_of_admin: false,
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        if pairs.clone().nth(MAX_PARAMETERS).is_some() {
            let rest = format!("must not have more than {MAX_PARAMETERS} parameters");
            query.reject("query", "max", &rest);
            return query;
        }
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => query.pairs.push((name, value)),
                _ => query.reject(pair, "format", "is not valid percent-encoding"),
            }
        }
        query
    }

    /// The same as an admin asks it: parameters for admins alone are known.
    #[must_use]
    pub const fn of_admin(mut self, is_of_admin: bool) -> Self {
        self.is_of_admin = is_of_admin;
        self
    }

    /// A parameter for admins alone: unknown when anybody else asks.
    pub fn optional_of_admin<T: FromText>(&mut self, name: &str) -> Option<T> {
        if self.is_of_admin {
            self.optional(name)
        } else {
            None
        }
    }

    /// A parameter as text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let mut found = None;
        let mut rest = Vec::with_capacity(self.pairs.len());
        for (key, value) in std::mem::take(&mut self.pairs) {
            if key != name {
                rest.push((key, value));
            } else if found.replace(value).is_some() {
                self.reject(name, "repeated", "is given more than once");
            }
        }
        self.pairs = rest;
        found
    }

    /// All parameters whose names begin with one of these, with their values, in their order; the same name may come several times.
    pub fn beginning_with(&mut self, prefixes: &[&str]) -> Vec<(String, String)> {
        let is_wanted =
            |(name, _): &(String, String)| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let (found, rest) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition(is_wanted);
        self.pairs = rest;
        found
    }

    /// Whether a parameter is there and has not been taken out yet.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(key, _)| key == name)
    }

    /// A parameter that lists 1 to `max` values, separated by commas.
    pub fn list<T: FromText>(&mut self, name: &str, max: usize) -> Option<Vec<T>> {
        let text = self.text(name)?;
        if text.is_empty() {
            self.reject(name, "required", "must not be empty");
            return None;
        }
        if text.split(',').nth(max).is_some() {
            let rest = format!("must not have more than {max} values");
            self.reject(name, "max", &rest);
            return None;
        }
        match text.split(',').map(T::from_text).collect() {
            Ok(values) => Some(values),
            Err((code, rest)) => {
                self.reject(name, code, &rest);
                None
            }
        }
    }

    /// A parameter of a type.
    pub fn optional<T: FromText>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        match T::from_text(&text) {
            Ok(value) => Some(value),
            Err((code, rest)) => {
                self.reject(name, code, &rest);
                None
            }
        }
    }

    /// Notes when both of two parameters are there; the other is at fault.
    pub fn reject_both(&mut self, one: &str, other: &str) {
        if self.has(one) && self.has(other) {
            let rest = format!("must not be given together with {one}");
            self.reject(other, "exclusive", &rest);
        }
    }

    /// Notes that a parameter breaks a rule; `rest` continues the sentence after its name.
    pub fn reject(&mut self, name: &str, code: &'static str, rest: &str) {
        self.errors.push_with(|| {
            let name = shown(name);
            let called = if name.is_empty() { "\"\"" } else { &name };
            let message = format!("{called} {rest}");
            FieldError::new(name, code, message)
        });
    }

    /// All parameters have been taken: what is left is unknown.
    ///
    /// # Errors
    /// [`Problem::validation`] with everything that was wrong.
    pub fn finish(self) -> Result<(), Problem> {
        self.draft(()).finish()
    }

    /// All parameters have been taken: what they say, with all that is wrong so far.
    pub(crate) fn draft<T>(mut self, value: T) -> Draft<T> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.reject(&name, "unknown", "is not a known parameter");
        }
        let errors = self.errors;
        Draft { value, errors }
    }
}

fn decode(text: &str) -> Option<String> {
    percent_decode(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use mercato_kernel::PageRequest;
    use proptest::prelude::*;

    use super::*;
    use crate::FromQuery as _;

    #[test]
    fn parameters_are_decoded_and_typed() {
        let mut query = QueryString::parse("q=caf%C3%A9+noir&inStock=true&&minPrice=3&empty=");
        assert_eq!(query.text("q").as_deref(), Some("café noir"));
        assert_eq!(query.optional::<bool>("inStock"), Some(true));
        assert_eq!(query.optional::<u32>("minPrice"), Some(3));
        assert_eq!(query.text("empty").as_deref(), Some(""));
        query.finish().unwrap();
    }

    #[test]
    fn unknown_repeated_and_malformed_parameters_are_named() {
        let mut query = QueryString::parse("page=x&limit=0&limit=5&role=admin&bad=%f");
        PageRequest::from_query(&mut query);
        let document = query.finish().unwrap_err().document("/", "r", "t");
        let named: Vec<_> = document["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["field"].as_str().unwrap())
            .collect();
        assert_eq!(named, ["bad=%f", "page", "limit", "role"]);
    }

    #[test]
    fn parameters_of_free_names_are_taken_by_their_beginnings() {
        let mut query = QueryString::parse("a.x=1&b=2&a.x=3&a=4&c.=5");
        let found = query.beginning_with(&["a.", "c."]);
        let found: Vec<_> = found
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(found, [("a.x", "1"), ("a.x", "3"), ("c.", "5")]);
        assert_eq!(query.text("b").as_deref(), Some("2"));
        assert!(query.has("a") && !query.has("a.x"));
    }

    #[test]
    fn what_is_for_admins_is_unknown_to_others() {
        for (is_admin, expected) in [(true, Some(7)), (false, None)] {
            let mut query = QueryString::parse("owner=7").of_admin(is_admin);
            assert_eq!(query.optional_of_admin::<u32>("owner"), expected);
            let refused = query.finish().err();
            let document = refused.map(|problem| problem.document("/", "r", "t"));
            let code = document
                .as_ref()
                .map(|document| &document["errors"][0]["code"]);
            assert_eq!(code, (!is_admin).then_some(&"unknown".into()));
        }
    }

    #[test]
    fn what_is_odd_is_named_too() {
        let named = |text: &str| {
            let mut query = QueryString::parse(text);
            PageRequest::from_query(&mut query);
            let document = query.finish().unwrap_err().document("/", "r", "t");
            let error = document["errors"][0].clone();
            (
                error["field"].as_str().unwrap().to_owned(),
                error["code"].as_str().unwrap().to_owned(),
            )
        };
        for (text, field, code) in [
            ("=1", "", "unknown"),
            ("=", "", "unknown"),
            ("page", "page", "type"),
            ("page=%2B1", "page", "type"),
            ("page=1&page=1", "page", "repeated"),
            ("%70age=1&page=1", "page", "repeated"),
            ("page=1%", "page=1%", "format"),
            ("page=%ff", "page=%ff", "format"),
            ("page=1;limit=2", "page", "type"),
            ("Page=1", "Page", "unknown"),
        ] {
            assert_eq!(named(text), (field.to_owned(), code.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_long_query_string_is_answered_in_few_bytes() {
        let many = "a=1&".repeat(16_000);
        let long = format!("{}=1", "b".repeat(60_000));
        let broken = format!("{}%f", "c".repeat(60_000));
        let worst = (0..100).map(|n| format!("{}{n}=%f&", "%01".repeat(200)));
        for (text, codes, bytes) in [
            (many, &["max"][..], 1_000),
            (long, &["unknown"], 1_000),
            (broken, &["format"], 1_000),
            (worst.collect(), &["format"; 50], 40_000),
        ] {
            let document = QueryString::parse(&text)
                .finish()
                .unwrap_err()
                .document("/", "r", "t");
            let errors = document["errors"].as_array().unwrap().iter();
            let found: Vec<_> = errors
                .map(|error| error["code"].as_str().unwrap())
                .collect();
            assert_eq!(found, codes);
            let length = document.to_string().len();
            assert!(length <= bytes, "{length}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_percent_encoded_comes_out_again(name in "[a-z]{1,8}", value in any::<String>()) {
            let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let mut query = QueryString::parse(&format!("{name}={escaped}"));
            prop_assert_eq!(query.text(&name), Some(value));
            prop_assert!(query.finish().is_ok());
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let mut query = QueryString::parse(&text);
            PageRequest::from_query(&mut query);
            query.optional::<bool>("inStock");
            if let Err(problem) = query.finish() {
                prop_assert_eq!(problem.status().as_u16(), 400);
            }
        }
    }
}
