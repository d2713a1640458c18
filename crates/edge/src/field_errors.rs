//! Fields at fault, of which an answer lists so many and counts the others: it must not grow with what was sent.

use mercato_kernel::FieldError;

/// Most fields at fault that an answer lists; the others are counted.
pub const MAX_LISTED_ERRORS: usize = 50;

/// Longest piece of a client's own text that an error repeats, in characters.
pub(crate) const MAX_SHOWN_CHARS: usize = 64;

/// Longest name of a field, with the place of the object that it stands in, in characters.
const MAX_FIELD_CHARS: usize = 128;

/// Longest sentence about a field, in characters.
const MAX_MESSAGE_CHARS: usize = 512;

fn cut(mut error: FieldError) -> FieldError {
    shorten(&mut error.field, MAX_FIELD_CHARS);
    shorten(&mut error.message, MAX_MESSAGE_CHARS);
    error
}

/// The fields at fault: the first [`MAX_LISTED_ERRORS`], and how many there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldErrors {
    listed: Vec<FieldError>,
    total: usize,
}

impl FieldErrors {
    /// Counts a further one, and makes it only if it is listed.
    pub(crate) fn push_with(&mut self, make: impl FnOnce() -> FieldError) {
        self.total = self.total.saturating_add(1);
        if self.listed.len() < MAX_LISTED_ERRORS {
            self.listed.push(cut(make()));
        }
    }

    /// Takes over those of a part.
    pub(crate) fn append(&mut self, part: Self) {
        let unlisted = part.total.saturating_sub(part.listed.len());
        for error in part.listed {
            self.push_with(|| error);
        }
        self.total = self.total.saturating_add(unlisted);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }

    pub(crate) fn listed(&self) -> &[FieldError] {
        &self.listed
    }

    pub(crate) fn into_listed(self) -> Vec<FieldError> {
        self.listed
    }

    /// How many there are, when not all are listed.
    pub(crate) fn total_if_more(&self) -> Option<usize> {
        (self.total > self.listed.len()).then_some(self.total)
    }

    /// What is wrong in one sentence.
    pub(crate) fn summary(&self) -> String {
        match self.listed.as_slice() {
            [only] if self.total == 1 => only.message.clone(),
            _ => format!("{} fields are invalid", self.total),
        }
    }
}

impl FromIterator<FieldError> for FieldErrors {
    fn from_iter<I: IntoIterator<Item = FieldError>>(errors: I) -> Self {
        let mut collected = Self::default();
        for error in errors {
            collected.push_with(|| error);
        }
        collected
    }
}

/// A piece of a client's text as an error may repeat it.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = text.chars().take(MAX_SHOWN_CHARS + 1).collect();
    shorten(&mut shown, MAX_SHOWN_CHARS);
    shown
}

/// Cuts a text that has more characters; what is cut ends in `…`, within the limit.
fn shorten(text: &mut String, max_chars: usize) {
    // No text has more characters than bytes.
    if text.len() <= max_chars || text.chars().nth(max_chars).is_none() {
        return;
    }
    let kept = text.char_indices().nth(max_chars.saturating_sub(1));
    text.truncate(kept.map_or(0, |(position, _)| position));
    text.push('…');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character_and_says_so() {
        for (text, expected) in [
            ("", ""),
            ("four", "four"),
            ("five!", "fiv…"),
            ("日本語の本", "日本語…"),
        ] {
            let mut cut = text.to_owned();
            shorten(&mut cut, 4);
            assert_eq!(cut, expected);
        }
        assert_eq!(shown(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(shown(&"é".repeat(60_000)), format!("{}…", "é".repeat(63)));
    }

    #[test]
    fn so_many_errors_are_listed_and_all_are_counted() {
        let error = || FieldError::new("a", "min", "a is too small");
        let mut errors: FieldErrors = (0..MAX_LISTED_ERRORS).map(|_| error()).collect();
        assert_eq!(errors.total_if_more(), None);
        errors.push_with(|| panic!("it is not listed, so nobody makes it"));
        let mut whole: FieldErrors = [error()].into_iter().collect();
        assert_eq!(whole.summary(), "a is too small");
        whole.append(errors);
        assert_eq!(whole.listed().len(), MAX_LISTED_ERRORS);
        assert_eq!(whole.total_if_more(), Some(52));
        assert_eq!(whole.summary(), "52 fields are invalid");
    }

    #[test]
    fn whatever_a_domain_says_is_cut_to_a_length() {
        let long = "x".repeat(9_999);
        let errors: FieldErrors = [FieldError::new(&*long, "max", &*long)]
            .into_iter()
            .collect();
        let listed = &errors.listed()[0];
        assert_eq!(listed.field.chars().count(), MAX_FIELD_CHARS);
        assert_eq!(listed.message.chars().count(), MAX_MESSAGE_CHARS);
    }
}
