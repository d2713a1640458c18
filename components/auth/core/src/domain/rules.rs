//! Broken rules by field, and the rule for names.

use mercato_kernel::FieldError;
use mercato_platform::text;

/// Longest name of a person.
pub const NAME_MAX_CHARS: usize = 200;

/// A rule that a value breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRule {
    /// Stable code: `required`, `min`, `max`, `format`, `weak`, `control-characters`.
    pub code: &'static str,
    /// What the value must be, to follow the field's name: `must not be empty`.
    pub must: String,
}

impl BrokenRule {
    /// A broken rule.
    pub fn new(code: &'static str, must: impl Into<String>) -> Self {
        Self {
            code,
            must: must.into(),
        }
    }
}

/// Collects what is wrong with several fields, so that a client learns all of it at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// The value, or none with its broken rule noted.
    pub fn take<T>(&mut self, field: &'static str, value: Result<T, BrokenRule>) -> Option<T> {
        value
            .map_err(|BrokenRule { code, must }| {
                let message = format!("{field} {must}");
                self.0.push(FieldError::new(field, code, message));
            })
            .ok()
    }

    /// The value, or none with the field at fault noted.
    pub fn note<T>(&mut self, value: Result<T, FieldError>) -> Option<T> {
        value.map_err(|error| self.0.push(error)).ok()
    }

    /// As [`Fields::take`], for a field that may be absent.
    pub fn take_optional<T>(
        &mut self,
        field: &'static str,
        value: Option<Result<T, BrokenRule>>,
    ) -> Option<T> {
        value.and_then(|value| self.take(field, value))
    }

    /// Whether any rule was broken.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.0.is_empty()
    }

    /// What was noted, in the order of the fields.
    #[must_use]
    pub fn into_errors(self) -> Vec<FieldError> {
        self.0
    }
}

/// A person's name: 1 to [`NAME_MAX_CHARS`] characters on one line, trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Trims and checks.
    ///
    /// # Errors
    /// The broken rule.
    pub fn parse(text: &str) -> Result<Self, BrokenRule> {
        text::line(text, NAME_MAX_CHARS)
            .map(Self)
            .map_err(|problem| BrokenRule::new(problem.code(), problem.to_string()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_trimmed_line_of_at_most_200_characters() {
        assert_eq!(
            Name::parse("  Ada Lovelace\t").unwrap().as_str(),
            "Ada Lovelace"
        );
        assert!(Name::parse(&"ü".repeat(NAME_MAX_CHARS)).is_ok());
        for (text, code) in [
            ("", "required"),
            ("   ", "required"),
            ("a\nb", "control-characters"),
            (&*"ü".repeat(NAME_MAX_CHARS + 1), "max"),
        ] {
            assert_eq!(Name::parse(text).unwrap_err().code, code, "{text:?}");
        }
    }

    #[test]
    fn every_broken_field_is_reported_in_order() {
        let mut fields = Fields::default();
        assert_eq!(fields.take("a", Ok(1)), Some(1));
        assert!(fields.is_valid());
        assert_eq!(
            fields.take::<u8>("b", Err(BrokenRule::new("min", "must be more"))),
            None
        );
        assert_eq!(fields.take_optional::<u8>("c", None), None);
        assert_eq!(
            fields.take_optional::<u8>("d", Some(Err(BrokenRule::new("max", "must be less")))),
            None
        );
        assert!(!fields.is_valid());
        let messages: Vec<_> = fields
            .into_errors()
            .into_iter()
            .map(|error| error.message)
            .collect();
        assert_eq!(messages, ["b must be more", "d must be less"]);
    }
}
