//! What somebody typed, as the databases look for it.

use super::runs::{self, Kind, Run};

/// Most words of a phrase that are looked for; what follows them does not count. A UUID without hyphens has up to 32.
const PHRASE_WORDS_MAX: usize = 40;

/// Words that stand one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    words: Vec<String>,
    /// Whether the last word need only be the beginning of one.
    is_begun: bool,
}

/// What a text between two spaces stands for, any of which a product may have: what it is, and what it is without its hyphens and
/// apostrophes. None when it has no letter and no digit. It `is_begun` when it may still go on.
#[must_use]
pub fn phrases_of(text: &str, is_begun: bool) -> Vec<Phrase> {
    let runs = runs::runs(text);
    if runs.is_empty() {
        return Vec::new();
    }
    let closed: Vec<Option<Run>> = runs.iter().map(|run| runs::closed(run)).collect();
    let has_closed = closed.iter().any(Option::is_some);
    let closed = closed.into_iter().zip(&runs);
    let closed: Vec<Run> = closed
        .map(|(closed, run)| closed.unwrap_or_else(|| run.clone()))
        .collect();
    let mut phrases = vec![phrase(&runs, is_begun)];
    if has_closed {
        phrases.push(phrase(&closed, is_begun));
    }
    phrases
}

fn phrase(runs: &[Run], is_begun: bool) -> Phrase {
    let parts: Vec<_> = runs.iter().flatten().collect();
    let (mut words, mut begins_one) = (Vec::new(), false);
    if let Some((last, before)) = parts.split_last() {
        words.extend(before.iter().flat_map(|part| runs::indexed(part)));
        let searched = runs::searched(last);
        // One dense letter is looked for at the beginning of pairs.
        begins_one = last.kind == Kind::Dense && last.text.chars().nth(1).is_none();
        words.extend(searched);
    }
    let is_cut = words.len() > PHRASE_WORDS_MAX;
    words.truncate(PHRASE_WORDS_MAX);
    Phrase {
        words,
        is_begun: (is_begun || begins_one) && !is_cut,
    }
}

impl Phrase {
    /// The phrase of one word.
    #[must_use]
    pub fn word(word: &str, is_begun: bool) -> Self {
        let words = vec![word.to_owned()];
        Self { words, is_begun }
    }

    /// The one word of which it is, if that is so.
    #[must_use]
    pub fn only_word(&self) -> Option<&str> {
        match &*self.words {
            [word] => Some(word),
            _ => None,
        }
    }

    /// Whether the last word need only be the beginning of one.
    #[must_use]
    pub const fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// As an expression of FTS5 (<https://sqlite.org/fts5.html#full_text_query_syntax>). In quotes nothing of its query language has a
    /// meaning, and words have no quotes.
    #[must_use]
    pub fn in_fts5(&self) -> String {
        let goes_on = if self.is_begun { "*" } else { "" };
        format!("\"{}\"{goes_on}", self.words.join(" "))
    }

    /// As a part of a `tsquery` of PostgreSQL; all words are of the first text of the index when they are `in_first`.
    #[must_use]
    pub fn in_tsquery(&self, in_first: bool) -> String {
        let last = self.words.len().saturating_sub(1);
        let part = |(place, word): (usize, &String)| {
            let goes_on = if self.is_begun && place == last {
                "*"
            } else {
                ""
            };
            let weight = if in_first { "A" } else { "" };
            match (goes_on, weight) {
                ("", "") => format!("'{word}'"),
                _ => format!("'{word}':{goes_on}{weight}"),
            }
        };
        let parts: Vec<String> = self.words.iter().enumerate().map(part).collect();
        format!("({})", parts.join(" <-> "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_fts5(text: &str, is_begun: bool) -> Vec<String> {
        let phrases = phrases_of(text, is_begun);
        phrases.iter().map(Phrase::in_fts5).collect()
    }

    #[test]
    fn words_are_quoted_so_that_they_mean_nothing_else() {
        for (word, expected) in [
            ("Tea", vec![r#""tea""#]),
            (r#"6""#, vec![r#""6""#]),
            ("NOT", vec![r#""not""#]),
            ("(NEAR", vec![r#""near""#]),
            ("name:tea*", vec![r#""name tea""#]),
            ("-", vec![]),
        ] {
            assert_eq!(in_fts5(word, false), expected, "{word}");
        }
    }

    #[test]
    fn hyphens_and_apostrophes_may_be_missing() {
        assert_eq!(in_fts5("T-Shirt", true), [r#""t shirt"*"#, r#""tshirt"*"#]);
        assert_eq!(in_fts5("Levi's", false), [r#""levi s""#, r#""levis""#]);
        assert_eq!(in_fts5("GT-100", false), [r#""gt 100""#]);
    }

    #[test]
    fn numbers_keep_their_units() {
        assert_eq!(in_fts5("250g", false), [r#""250 g""#]);
        assert_eq!(in_fts5("1,5l", true), [r#""1 5 l"*"#]);
    }

    #[test]
    fn one_dense_letter_begins_pairs_and_more_are_pairs() {
        assert_eq!(in_fts5("茶", false), [r#""茶"*"#]);
        assert_eq!(in_fts5("緑茶碗", false), [r#""緑茶 茶碗""#]);
        assert_eq!(in_fts5("緑茶tea", false), [r#""緑茶 茶 tea""#]);
        assert_eq!(in_fts5("tea茶", false), [r#""tea 茶"*"#]);
    }

    #[test]
    fn a_phrase_has_so_many_words_at_most() {
        let long = ["item"; 60].join("/");
        let expected = format!("\"{}\"", ["item"; PHRASE_WORDS_MAX].join(" "));
        assert_eq!(in_fts5(&long, true), [expected]);
    }

    #[test]
    fn phrases_may_go_on_and_be_of_the_first_text() {
        let phrase = |text, is_begun, in_first| phrases_of(text, is_begun)[0].in_tsquery(in_first);
        assert_eq!(phrase("T-1", false, false), "('t' <-> '1')");
        assert_eq!(phrase("T-1", true, false), "('t' <-> '1':*)");
        assert_eq!(phrase("tea", true, true), "('tea':*A)");
    }
}
