//! Rules for text that people type, and for text of a client's choice in the log.

use std::borrow::Cow;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Longest text of a client's choice in the log, in characters; escapes and the mark of a cut count.
pub const LOGGABLE_CHARS_MAX: usize = 200;

/// Stands where a text was cut.
const CUT: char = '…';

/// Characters that show nothing although Unicode counts them among letters and symbols: the fillers of Hangul and the
/// empty Braille pattern.
const BLANK: [char; 5] = ['\u{115f}', '\u{1160}', '\u{2800}', '\u{3164}', '\u{ffa0}'];

/// Why a text was refused. [`TextProblem::code`] is part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextProblem {
    /// Nothing that can be seen.
    #[error("must not be empty")]
    Empty,
    /// Too many characters.
    #[error("must not be longer than {0} characters")]
    TooLong(usize),
    /// Holds a control character other than a permitted line break or tab.
    #[error("must not contain control characters")]
    ControlCharacters,
}

impl TextProblem {
    /// Stable code of the problem: `required`, `max`, `control-characters`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "required",
            Self::TooLong(_) => "max",
            Self::ControlCharacters => "control-characters",
        }
    }
}

/// A single line of 1 to `max_chars` characters, trimmed. What is made of invisible characters only is empty.
///
/// # Errors
/// Says which rule is broken.
pub fn line(text: &str, max_chars: usize) -> Result<String, TextProblem> {
    let trimmed = text.trim();
    if trimmed.chars().all(is_invisible) {
        return Err(TextProblem::Empty);
    }
    check(trimmed, max_chars, |_| false)
}

/// Text of up to `max_chars` characters that may be empty and may have line breaks and tabs, trimmed.
///
/// # Errors
/// Says which rule is broken.
pub fn paragraph(text: &str, max_chars: usize) -> Result<String, TextProblem> {
    check(text.trim(), max_chars, |c| matches!(c, '\n' | '\r' | '\t'))
}

/// The text as it may stand in a log: at most [`LOGGABLE_CHARS_MAX`] characters, with everything escaped that a terminal
/// or an editor obeys or does not show. Whatever a client chooses goes through here: paths, methods, ids, headers.
#[must_use]
pub fn loggable(text: &str) -> Cow<'_, str> {
    escaped(text, LOGGABLE_CHARS_MAX)
}

/// The text on one line of at most `max_chars` characters: control, format, combining, private and unassigned characters
/// and separators other than the space become escapes such as `\u{202e}`; the mark `…` ends a text that was cut.
#[must_use]
pub fn escaped(text: &str, max_chars: usize) -> Cow<'_, str> {
    if text.len() <= max_chars && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len().min(max_chars));
    let mut chars = 0;
    // Where the text can be cut so that the mark still has room.
    let mut cut_at = 0;
    for c in text.chars() {
        let shown = if is_visible(c) {
            c.to_string()
        } else {
            escape(c)
        };
        let width = shown.chars().count();
        if chars + width > max_chars {
            safe.truncate(cut_at);
            safe.push(CUT);
            break;
        }
        safe.push_str(&shown);
        chars += width;
        if chars < max_chars {
            cut_at = safe.len();
        }
    }
    Cow::Owned(safe)
}

fn escape(c: char) -> String {
    if BLANK.contains(&c) {
        c.escape_unicode().collect()
    } else {
        c.escape_debug().collect()
    }
}

fn is_visible(c: char) -> bool {
    matches!(c, ' '..='~') || (c.escape_debug().len() == 1 && !BLANK.contains(&c))
}

/// White space, format characters, and whatever else Unicode says to show nothing for.
fn is_invisible(c: char) -> bool {
    const IGNORABLE: icu_properties::CodePointSetDataBorrowed<'static> =
        CodePointSetData::new::<DefaultIgnorableCodePoint>();
    const CATEGORY: icu_properties::CodePointMapDataBorrowed<'static, GeneralCategory> =
        CodePointMapData::<GeneralCategory>::new();
    if c.is_ascii() {
        return c.is_ascii_whitespace();
    }
    c.is_whitespace()
        || BLANK.contains(&c)
        || IGNORABLE.contains(c)
        || CATEGORY.get(c) == GeneralCategory::Format
}

fn check(
    text: &str,
    max_chars: usize,
    permitted: impl Fn(char) -> bool,
) -> Result<String, TextProblem> {
    if text.chars().any(|c| c.is_control() && !permitted(c)) {
        return Err(TextProblem::ControlCharacters);
    }
    if text.chars().count() > max_chars {
        return Err(TextProblem::TooLong(max_chars));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_hides_is_escaped_for_the_log() {
        for (text, safe) in [
            ("/api/v1/products?q=\"a\\b'", "/api/v1/products?q=\"a\\b'"),
            ("Käse 食品 🧀", "Käse 食品 🧀"),
            ("a\nb\rc\td", "a\\nb\\rc\\td"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("\u{7f}\u{85}\u{9b}", "\\u{7f}\\u{85}\\u{9b}"),
            ("\u{61c}\u{200e}\u{200f}", "\\u{61c}\\u{200e}\\u{200f}"),
            ("\u{202a}\u{202e}", "\\u{202a}\\u{202e}"),
            ("\u{2066}\u{2069}", "\\u{2066}\\u{2069}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("\u{ad}\u{200b}\u{200d}", "\\u{ad}\\u{200b}\\u{200d}"),
            ("\u{2060}\u{2064}\u{feff}", "\\u{2060}\\u{2064}\\u{feff}"),
            ("\u{180e}\u{34f}\u{fe0f}", "\\u{180e}\\u{34f}\\u{fe0f}"),
            ("\u{3164}\u{115f}\u{2800}", "\\u{3164}\\u{115f}\\u{2800}"),
            ("\u{a0}\u{3000}", "\\u{a0}\\u{3000}"),
            ("\u{e0041}\u{fff9}", "\\u{e0041}\\u{fff9}"),
        ] {
            assert_eq!(loggable(text), safe, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_to_200_characters_for_the_log() {
        let fits = "x".repeat(200);
        assert_eq!(loggable(&fits), fits);
        assert_eq!(loggable(&"x".repeat(201)), format!("{}…", "x".repeat(199)));
        assert_eq!(loggable(&"é".repeat(200)), "é".repeat(200));
        let escapes = loggable(&"\u{202e}".repeat(100)).into_owned();
        assert_eq!(escapes, format!("{}…", "\\u{202e}".repeat(24)));
    }

    proptest! {
        #[test]
        fn no_text_is_longer_or_stranger_in_the_log_than_allowed(text in any::<String>(), max in 1_usize..40) {
            let safe = escaped(&text, max).into_owned();
            prop_assert!(safe.chars().count() <= max);
            prop_assert!(safe.chars().all(is_visible));
            prop_assert_eq!(escaped(&safe, max), safe.as_str());
        }
    }

    #[test]
    fn lines_are_trimmed_and_bounded_in_characters_not_bytes() {
        assert_eq!(line("  Ümläut ", 6), Ok("Ümläut".to_owned()));
        assert_eq!(line("Ümläute", 6), Err(TextProblem::TooLong(6)));
        assert_eq!(line(" \t ", 6), Err(TextProblem::Empty));
        for text in ["a\nb", "a\0b", "a\u{7f}b", "a\u{85}b"] {
            assert_eq!(
                line(text, 10),
                Err(TextProblem::ControlCharacters),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_line_of_invisible_characters_is_empty() {
        for text in [
            "\u{200b}",
            "\u{a0}\u{2009}\u{3000}",
            "\u{ad}\u{34f}\u{61c}\u{180e}",
            "\u{200d}\u{200e}\u{202e}\u{2060}\u{2065}",
            "\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}",
            "\u{fe0f}\u{feff}\u{fff9}",
            "\u{600}\u{13430}\u{1d173}\u{e0041}",
            " \u{200b} \u{200c} ",
        ] {
            assert_eq!(line(text, 10), Err(TextProblem::Empty), "{text:?}");
            let seen = format!("{text}x");
            assert_eq!(line(&seen, 10).as_deref(), Ok(seen.trim()), "{text:?}");
        }
        for text in [
            "é",
            "中",
            "𝒜",
            "👩\u{200d}🚀",
            "\u{1f3f4}\u{e0067}",
            "\u{e000}",
            "-",
        ] {
            assert!(line(text, 10).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn paragraphs_may_be_empty_and_break_lines() {
        assert_eq!(paragraph("  ", 5), Ok(String::new()));
        assert_eq!(paragraph("a\n\tb", 5), Ok("a\n\tb".to_owned()));
        assert_eq!(
            paragraph("a\u{1b}[2J", 50),
            Err(TextProblem::ControlCharacters)
        );
    }
}
