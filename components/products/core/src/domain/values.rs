//! The values a product is made of. Each has one constructor that can fail, and one for what was stored.

use mercato_kernel::FieldError;
use mercato_money::{Money, UNITS_PER_WHOLE};
use mercato_platform::text::{self, TextProblem};

use crate::domain::error::broken;

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 200;
/// Longest description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 5_000;
/// Longest stock keeping unit, in characters.
pub const SKU_CHARS_MAX: usize = 64;
/// Highest price, in whole units of the currency.
pub const PRICE_WHOLE_MAX: i64 = 1_000_000_000;
/// Highest price.
pub const PRICE_MAX: Money = Money::from_units(PRICE_WHOLE_MAX * UNITS_PER_WHOLE);

/// Name of a product: one line, trimmed, not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl From<Name> for String {
    fn from(value: Name) -> Self {
        value.0
    }
}

impl Name {
    /// Checks a name that somebody typed.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        text::line(text, NAME_CHARS_MAX)
            .map(Self)
            .map_err(|problem| text_error("name", problem))
    }

    /// The name as it was stored.
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What names are sorted by: capital and small letters are the same.
    pub fn sort_key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// Description of a product: trimmed, may be empty and may have line breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

impl From<Description> for String {
    fn from(value: Description) -> Self {
        value.0
    }
}

impl Description {
    /// Checks a description that somebody typed.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        text::paragraph(text, DESCRIPTION_CHARS_MAX)
            .map(Self)
            .map_err(|problem| text_error("description", problem))
    }

    /// The description as it was stored.
    pub fn stored(description: String) -> Self {
        Self(description)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Stock keeping unit: the shop's own number of a product; one line, trimmed, not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sku(String);

impl From<Sku> for String {
    fn from(value: Sku) -> Self {
        value.0
    }
}

impl Sku {
    /// Checks a number that somebody typed.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        text::line(text, SKU_CHARS_MAX)
            .map(Self)
            .map_err(|problem| text_error("sku", problem))
    }

    /// The number as it was stored.
    pub fn stored(sku: String) -> Self {
        Self(sku)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Price of one unit, in the shop's currency: not negative, at most [`PRICE_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(Money);

impl Price {
    /// Checks a price that somebody named in `field`.
    pub fn parse(field: &str, amount: Money) -> Result<Self, FieldError> {
        if amount < Money::ZERO {
            return Err(broken(field, "min", "must not be less than 0"));
        }
        if amount > PRICE_MAX {
            let rule = format!("must not be more than {PRICE_MAX}");
            return Err(broken(field, "max", rule));
        }
        Ok(Self(amount))
    }

    /// The price as it was stored.
    pub fn stored(amount: Money) -> Self {
        Self(amount)
    }

    /// The amount.
    pub fn amount(self) -> Money {
        self.0
    }
}

/// The error of a field whose text breaks a rule.
pub fn text_error(field: &str, problem: TextProblem) -> FieldError {
    let code = match problem {
        TextProblem::Empty => "required",
        TextProblem::TooLong(_) => "max",
        TextProblem::ControlCharacters => "control-characters",
    };
    broken(field, code, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_trimmed_line_of_at_most_200_characters() {
        assert_eq!(Name::parse("  Tea  ").unwrap().as_str(), "Tea");
        assert!(Name::parse(&"é".repeat(NAME_CHARS_MAX)).is_ok());
        for (text, code) in [
            ("   ", "required"),
            ("a\u{0}b", "control-characters"),
            ("two\nlines", "control-characters"),
            (&*"x".repeat(NAME_CHARS_MAX + 1), "max"),
        ] {
            let error = Name::parse(text).unwrap_err();
            assert_eq!((&*error.field, &*error.code), ("name", code));
            assert!(
                error.message.starts_with("name must not"),
                "{}",
                error.message
            );
        }
    }

    #[test]
    fn descriptions_may_be_empty_and_have_lines() {
        assert_eq!(Description::parse("").unwrap().as_str(), "");
        assert_eq!(Description::parse("one\ntwo").unwrap().as_str(), "one\ntwo");
        assert_eq!(
            Description::parse("\u{1b}[31m").unwrap_err().code,
            "control-characters"
        );
        assert_eq!(
            Description::parse(&"x".repeat(DESCRIPTION_CHARS_MAX + 1))
                .unwrap_err()
                .code,
            "max"
        );
    }

    #[test]
    fn a_sku_is_trimmed_and_never_empty() {
        assert_eq!(Sku::parse(" TEA-1 ").unwrap().as_str(), "TEA-1");
        assert_eq!(Sku::parse("").unwrap_err().code, "required");
        assert_eq!(
            Sku::parse(&"x".repeat(SKU_CHARS_MAX + 1)).unwrap_err().code,
            "max"
        );
    }

    #[test]
    fn prices_go_from_zero_to_a_thousand_million() {
        let parse = |units| Price::parse("price", Money::from_units(units));
        assert_eq!(parse(0).unwrap().amount(), Money::ZERO);
        assert_eq!(parse(1).unwrap().amount().to_string(), "0.0001");
        assert_eq!(parse(PRICE_MAX.units()).unwrap().amount(), PRICE_MAX);
        assert_eq!(parse(-1).unwrap_err().code, "min");
        let beyond = parse(PRICE_MAX.units() + 1).unwrap_err();
        assert_eq!(beyond.code, "max");
        assert_eq!(beyond.message, "price must not be more than 1000000000");
        assert_eq!(parse(i64::MIN).unwrap_err().code, "min");
        assert_eq!(parse(i64::MAX).unwrap_err().code, "max");
    }

    #[test]
    fn names_sort_without_regard_to_capitals() {
        assert_eq!(Name::parse("ÄPFEL").unwrap().sort_key(), "äpfel");
    }
}
