//! What a shopper searches for.

use mercato_platform::text;

use crate::domain::error::FieldError;
use crate::domain::values::text_error;

/// Longest text to search for, in characters.
pub const QUERY_CHARS_MAX: usize = 200;

/// What a shopper searches for: words, each of which a product must have in its name, its number or its description;
/// the last one need only be the beginning of a word there, for it may still be being typed.
///
/// Among the products found, those that have all the words in their names come first, then those that have some there,
/// then the others; within each, short names come before long ones. All of that depends on the product alone, so it
/// stays true while others come and go: see the decision on search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
}

impl Search {
    /// Checks what somebody typed.
    ///
    /// What has no letter and no digit is no word, and a search without words finds nothing.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let line = text::line(text, QUERY_CHARS_MAX).map_err(|problem| text_error("q", problem))?;
        let words = line.split_whitespace();
        let words = words.filter(|word| word.chars().any(char::is_alphanumeric));
        Ok(Self {
            words: words.map(str::to_owned).collect(),
        })
    }

    /// The words as they were typed.
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::FieldCode;

    fn words(text: &str) -> Vec<String> {
        Search::parse(text).unwrap().words
    }

    #[test]
    fn words_are_what_has_a_letter_or_a_digit_between_spaces() {
        assert_eq!(words("  green   TEA "), ["green", "TEA"]);
        assert_eq!(words("tea & T-1, 100%"), ["tea", "T-1,", "100%"]);
        assert_eq!(words("Grüner\u{a0}茶"), ["Grüner", "茶"]);
        assert_eq!(words("-- * \" ("), [""; 0]);
    }

    #[test]
    fn a_query_is_1_to_200_characters_and_has_no_control_characters() {
        assert!(Search::parse(&"é".repeat(QUERY_CHARS_MAX)).is_ok());
        for (text, code) in [
            ("", FieldCode::Required),
            (" \t ", FieldCode::Required),
            ("a\0b", FieldCode::ControlCharacters),
            (&*"x".repeat(QUERY_CHARS_MAX + 1), FieldCode::Max),
        ] {
            let error = Search::parse(text).unwrap_err();
            assert_eq!((error.field, error.code), ("q", code), "{text:?}");
        }
    }
}
