//! Rules for text that people type.

/// Why a text was refused. [`TextProblem::code`] is part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextProblem {
    /// Nothing is left after trimming.
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

/// A single line of 1 to `max_chars` characters, trimmed.
///
/// # Errors
/// Says which rule is broken.
pub fn line(text: &str, max_chars: usize) -> Result<String, TextProblem> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
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
    use super::*;

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
    fn paragraphs_may_be_empty_and_break_lines() {
        assert_eq!(paragraph("  ", 5), Ok(String::new()));
        assert_eq!(paragraph("a\n\tb", 5), Ok("a\n\tb".to_owned()));
        assert_eq!(
            paragraph("a\u{1b}[2J", 50),
            Err(TextProblem::ControlCharacters)
        );
    }
}
