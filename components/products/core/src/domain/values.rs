//! The values a product is made of. Each has one constructor that can fail, and one for what was stored. What is sent is read as
//! these types (`FromJson`), whose schemas tell clients the limits.

use mercato_kernel::{FieldError, FromJson, Refusal};
use mercato_money::{Money, UNITS_PER_WHOLE};
use utoipa::ToSchema;

use crate::domain::error::broken;

/// Highest price, in whole units of the currency.
pub const PRICE_WHOLE_MAX: i64 = 1_000_000_000;
/// Highest price.
pub const PRICE_MAX: Money = Money::from_units(PRICE_WHOLE_MAX * UNITS_PER_WHOLE);

/// Makes a struct around a `String` a text that is read by a rule of `mercato_platform::text`, with its limit.
macro_rules! text_with_rule {
    ($name:ident, $rule:ident, $limit:expr) => {
        impl $name {
            /// The text as it was stored.
            #[must_use]
            pub fn stored(text: String) -> Self {
                Self(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// Checks what somebody typed.
        impl std::str::FromStr for $name {
            type Err = mercato_kernel::Refusal;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                mercato_platform::text::$rule(text, $limit)
                    .map(Self)
                    .map_err(|problem| (problem.code(), problem.to_string().into()))
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        mercato_kernel::read_from_text!($name, str::parse, Self(String::new()));
    };
}

/// A text of one line that shows something; blanks at its ends are taken off. Its limit comes first, in characters.
macro_rules! line_of_text {
    ($limit:ident = $max:tt; $(#[$doc:meta])* $name:ident $($schema:tt)*) => {
        #[doc = concat!("Longest [`", stringify!($name), "`], in characters.")]
        pub const $limit: usize = $max;

        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, utoipa::ToSchema)]
        #[schema(
            min_length = 1,
            max_length = $max,
            pattern = "^\\s*[^\\s\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\
                    \\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb]\
                    ([^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f])?\\s*$"
            $($schema)*
        )]
        pub struct $name(String);

        $crate::domain::values::text_with_rule!($name, line, $limit);
    };
}

pub(crate) use {line_of_text, text_with_rule};

line_of_text! {
    NAME_CHARS_MAX = 200;
    /// Name of a product: one line; blanks at its ends are taken off.
    Name, as = ProductName, example = "Espresso cup"
}

line_of_text! {
    SKU_CHARS_MAX = 64;
    /// Stock keeping unit: the shop's own number of a product, unique among those that are not deleted; one line, blanks at
    /// its ends are taken off.
    Sku, example = "CUP-90"
}

/// Longest description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 5_000;

/// Description of a product: may be empty, may have line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(
    as = ProductDescription,
    max_length = 5000,
    pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
    example = "Porcelain, 90 ml"
)]
pub struct Description(String);

text_with_rule!(Description, paragraph, DESCRIPTION_CHARS_MAX);

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

/// Longest name of a tax class, in characters.
pub const TAX_CLASS_CHARS_MAX: usize = 40;

/// What products that are taxed alike have in common: letters and digits with dashes, points and underscores, in small letters.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 40,
    pattern = r"^\s*[A-Za-z0-9._-]+\s*$",
    example = "food"
)]
pub struct TaxClass(String);

impl TaxClass {
    /// The class of what has no other.
    #[must_use]
    pub fn standard() -> Self {
        Self("standard".to_owned())
    }

    /// The class as it was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TaxClass {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let line = mercato_platform::text::line(text, TAX_CLASS_CHARS_MAX);
        let name = line.map_err(|problem| (problem.code(), problem.to_string().into()))?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.chars().all(fits) {
            Ok(Self(name.to_ascii_lowercase()))
        } else {
            let rest =
                "must be letters and digits, with dashes, points or underscores between them";
            Err(("format", rest.into()))
        }
    }
}

impl From<TaxClass> for String {
    fn from(class: TaxClass) -> Self {
        class.0
    }
}

mercato_kernel::read_from_text!(TaxClass, str::parse, Self::standard());

/// Heaviest unit of a product, in grams.
pub const WEIGHT_GRAMS_MAX: u32 = 1_000_000_000;

/// Weight of one unit in grams, at most [`WEIGHT_GRAMS_MAX`]; 0 when nobody has said it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ToSchema)]
#[schema(value_type = u32, minimum = 0, maximum = 1_000_000_000, example = 250)]
pub struct Weight(u32);

impl Weight {
    /// A weight that somebody named, in grams.
    ///
    /// # Errors
    /// When it is more than [`WEIGHT_GRAMS_MAX`].
    pub fn parse(grams: u32) -> Result<Self, Refusal> {
        if grams > WEIGHT_GRAMS_MAX {
            let rest = format!("must not be more than {WEIGHT_GRAMS_MAX}");
            return Err(("max", rest.into()));
        }
        Ok(Self(grams))
    }

    /// The weight as it was stored, in grams.
    #[must_use]
    pub const fn stored(grams: u32) -> Self {
        Self(grams)
    }

    /// The weight in grams.
    #[must_use]
    pub const fn grams(self) -> u32 {
        self.0
    }
}

impl FromJson for Weight {
    fn placeholder() -> Self {
        Self::default()
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        let grams = i64::from_json(json)?;
        if grams < 0 {
            return Err(("min", "must not be less than 0".into()));
        }
        Self::parse(u32::try_from(grams).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_class_is_a_word_in_small_letters() {
        let parse = str::parse::<TaxClass>;
        assert_eq!(parse(" Food-2 ").unwrap().as_str(), "food-2");
        assert_eq!(TaxClass::standard().as_str(), "standard");
        let long = "x".repeat(TAX_CLASS_CHARS_MAX + 1);
        for (text, code) in [
            ("", "required"),
            ("a b", "format"),
            ("é", "format"),
            (&*long, "max"),
        ] {
            assert_eq!(parse(text).unwrap_err().0, code, "{text}");
        }
    }

    #[test]
    fn a_weight_is_whole_grams_and_not_negative() {
        assert_eq!(Weight::from_json("250").unwrap().grams(), 250);
        let most = WEIGHT_GRAMS_MAX.to_string();
        assert_eq!(Weight::from_json(&most).unwrap().grams(), WEIGHT_GRAMS_MAX);
        for (json, code) in [
            ("-1", "min"),
            ("1.5", "type"),
            ("1000000001", "max"),
            ("9e15", "max"),
            ("null", "type"),
        ] {
            assert_eq!(Weight::from_json(json).unwrap_err().0, code, "{json}");
        }
    }

    #[test]
    fn names_are_one_trimmed_line_of_at_most_200_characters() {
        assert_eq!("  Tea  ".parse::<Name>().unwrap().as_str(), "Tea");
        assert!("é".repeat(NAME_CHARS_MAX).parse::<Name>().is_ok());
        for (text, code) in [
            ("   ", "required"),
            ("a\u{0}b", "control-characters"),
            ("two\nlines", "control-characters"),
            (&*"x".repeat(NAME_CHARS_MAX + 1), "max"),
        ] {
            let (refused, rest) = text.parse::<Name>().unwrap_err();
            assert_eq!(refused, code);
            assert!(rest.starts_with("must not"), "{rest}");
        }
    }

    #[test]
    fn descriptions_may_be_empty_and_have_lines() {
        let parse = str::parse::<Description>;
        assert_eq!(parse("").unwrap().as_str(), "");
        assert_eq!(parse("one\ntwo").unwrap().as_str(), "one\ntwo");
        assert_eq!(parse("\u{1b}[31m").unwrap_err().0, "control-characters");
        let long = "x".repeat(DESCRIPTION_CHARS_MAX + 1);
        assert_eq!(parse(&long).unwrap_err().0, "max");
    }

    #[test]
    fn a_sku_is_trimmed_and_never_empty() {
        let parse = str::parse::<Sku>;
        assert_eq!(parse(" TEA-1 ").unwrap().as_str(), "TEA-1");
        assert_eq!(parse("").unwrap_err().0, "required");
        assert_eq!(parse(&"x".repeat(SKU_CHARS_MAX + 1)).unwrap_err().0, "max");
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
}
