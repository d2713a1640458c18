//! Texts that people type, each with its rule and limit.

use mercato_kernel::{FieldError, Refusal};
use mercato_platform::text::{self, TextProblem};

/// Makes a struct around a `String` a text that is read by a function.
macro_rules! text_by {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text that somebody typed.
            ///
            /// # Errors
            /// The rule that it breaks.
            pub fn parse(text: &str) -> Result<Self, Refusal> {
                $parse(text).map(Self)
            }

            /// The text as it was stored; for the store alone.
            #[must_use]
            pub const fn stored(text: String) -> Self {
                Self(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        mercato_kernel::read_from_text!($name, Self::parse, Self(String::new()));
    };
}

pub(super) use text_by;

/// Longest note, in characters.
pub const NOTE_CHARS_MAX: usize = 2_000;

/// Longest name of a tax class, in characters.
pub const TAX_CLASS_CHARS_MAX: usize = 40;

/// Longest name of a shipping option, zone or discount, in characters.
pub const LABEL_CHARS_MAX: usize = 100;

/// Longest reason of a tax rate of 0, in characters.
pub const REASON_CHARS_MAX: usize = 100;

/// Longest code of a shipping option, in characters.
pub const OPTION_CODE_CHARS_MAX: usize = 40;

/// Longest code of a discount, in characters.
pub const CODE_CHARS_MAX: usize = 40;

/// Most keys of metadata.
pub const METADATA_KEYS_MAX: usize = 50;

/// Longest key of metadata, in characters.
pub const METADATA_KEY_CHARS_MAX: usize = 40;

/// Longest value of metadata, in characters.
pub const METADATA_VALUE_CHARS_MAX: usize = 500;

/// The refusal of a text.
pub(super) fn refused(problem: TextProblem) -> Refusal {
    (problem.code(), problem.to_string().into())
}

/// The field breaks a rule; `rest` continues the sentence after its name.
pub(super) fn broken(field: impl Into<String>, refusal: Refusal) -> FieldError {
    FieldError::broken(field, refusal)
}

fn line(text: &str, max_chars: usize) -> Result<String, Refusal> {
    text::line(text, max_chars).map_err(refused)
}

/// Letters and digits with dashes, points and underscores inside.
fn word(text: &str, max_chars: usize) -> Result<String, Refusal> {
    let text = line(text, max_chars)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.chars().all(fits) {
        Ok(text)
    } else {
        let rest = "must be letters and digits, with dashes, points or underscores between them";
        Err(("format", rest.into()))
    }
}

text_by! {
    /// What a customer has to say about an order: may be empty and have line breaks.
    Note, |text: &str| text::paragraph(text, NOTE_CHARS_MAX).map_err(refused)
}

text_by! {
    /// The name of a shipping option, a zone or a discount, for customers.
    Label, |text: &str| line(text, LABEL_CHARS_MAX)
}

text_by! {
    /// Why a rate is 0, as an invoice says it: reverse charge, export.
    Reason, |text: &str| line(text, REASON_CHARS_MAX)
}

text_by! {
    /// What products that are taxed alike have in common, in small letters: `standard`, `food`.
    TaxClass, |text: &str| Ok(word(text, TAX_CLASS_CHARS_MAX)?.to_ascii_lowercase())
}

text_by! {
    /// Names a shipping option, in small letters: `at-post`.
    OptionCode, |text: &str| Ok(word(text, OPTION_CODE_CHARS_MAX)?.to_ascii_lowercase())
}

text_by! {
    /// Names a discount, in capital letters, however it was typed: `ROAST10`.
    CodeName, |text: &str| Ok(word(text, CODE_CHARS_MAX)?.to_ascii_uppercase())
}

impl TaxClass {
    /// The class of what has none.
    pub const STANDARD: &'static str = "standard";

    /// The class of what has none.
    #[must_use]
    pub fn standard() -> Self {
        Self(Self::STANDARD.to_owned())
    }
}

/// What the shop front keeps with an order, by keys of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// Those entries, sorted by their keys.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn parse(mut entries: Vec<(String, String)>) -> Result<Self, Refusal> {
        if entries.len() > METADATA_KEYS_MAX {
            let rest = format!("must not have more than {METADATA_KEYS_MAX} keys");
            return Err(("max", rest.into()));
        }
        for (key, value) in &entries {
            text::line(key, METADATA_KEY_CHARS_MAX).map_err(|problem| {
                let rest = format!("has a key that {problem}");
                (problem.code(), rest.into())
            })?;
            text::paragraph(value, METADATA_VALUE_CHARS_MAX).map_err(|problem| {
                let rest = format!("has a value that {problem}");
                (problem.code(), rest.into())
            })?;
        }
        entries.sort();
        let has_twins = entries
            .windows(2)
            .any(|pair| matches!(pair, [(one, _), (other, _)] if one == other));
        if has_twins {
            return Err(("repeated", "has a key more than once".into()));
        }
        Ok(Self(entries))
    }

    /// The entries as they were stored; for the store alone.
    #[must_use]
    pub const fn stored(entries: Vec<(String, String)>) -> Self {
        Self(entries)
    }

    /// Keys and values, sorted by the keys.
    #[must_use]
    pub fn entries(&self) -> &[(String, String)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        assert_eq!(CodeName::parse(" roast10 ").unwrap().as_str(), "ROAST10");
        for (text, code) in [
            ("", "required"),
            ("TEN PERCENT", "format"),
            ("ZEHN€", "format"),
            (&"x".repeat(CODE_CHARS_MAX + 1), "max"),
        ] {
            assert_eq!(CodeName::parse(text).unwrap_err().0, code, "{text}");
        }
    }

    #[test]
    fn metadata_has_bounds_and_each_key_once() {
        let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let parsed = Metadata::parse(vec![entry("b", "2"), entry("a", "")]).unwrap();
        assert_eq!(parsed.entries(), [entry("a", ""), entry("b", "2")]);
        let long_key = "k".repeat(METADATA_KEY_CHARS_MAX + 1);
        let long_value = "v".repeat(METADATA_VALUE_CHARS_MAX + 1);
        let many = (0..=METADATA_KEYS_MAX).map(|number| entry(&number.to_string(), "x"));
        for (entries, code) in [
            (vec![entry("", "x")], "required"),
            (vec![entry(&long_key, "x")], "max"),
            (vec![entry("a", &long_value)], "max"),
            (vec![entry("a", "1"), entry("a", "2")], "repeated"),
            (many.collect(), "max"),
        ] {
            assert_eq!(Metadata::parse(entries).unwrap_err().0, code);
        }
    }
}
