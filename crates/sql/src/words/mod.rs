//! The words of texts, as SQLite's tokenizer `unicode61` with `remove_diacritics 2` finds them: in lower case, without accents. SQLite
//! does that itself; what PostgreSQL searches is made here, so that both find the same.

use std::sync::LazyLock;

/// What is no part of a word: ranges of code points in hexadecimal digits.
const SEPARATORS: &str = include_str!("separators.txt");

/// What characters become. `41-5a>61` makes one character of each, `13f-141/2>140` of every second one, `c0-c5=61` the same one of
/// all; `300=0` is a mark that goes, inside a word.
const FOLDS: &str = include_str!("folds.txt");

/// PostgreSQL takes no longer words, in bytes. What people search for is shorter, so no more of a word is ever compared.
const WORD_BYTES_MAX: usize = 2_046;

/// Between the texts of an index: no phrase reaches from one into the next.
const GAP: usize = 2;

/// The texts of an index, each with its own weight.
const WEIGHTS: [char; 3] = ['A', 'B', 'C'];

struct Tables {
    /// First and last code point, in order.
    separators: Vec<(u32, u32)>,
    /// First and last code point, step, first one that they become, whether each becomes the next one of these; in order.
    folds: Vec<Fold>,
}

struct Fold {
    first: u32,
    last: u32,
    step: u32,
    to: u32,
    are_in_a_row: bool,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    separators: SEPARATORS.split_whitespace().filter_map(range).collect(),
    folds: FOLDS.split_whitespace().filter_map(fold).collect(),
});

fn number(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits, 16).ok()
}

fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((number(first)?, number(last)?))
}

fn fold(text: &str) -> Option<Fold> {
    let are_in_a_row = text.contains('>');
    let (from, to) = text.split_once(['>', '='])?;
    let (from, step) = from.split_once('/').unwrap_or((from, "1"));
    let (first, last) = range(from)?;
    Some(Fold {
        first,
        last,
        step: number(step)?,
        to: number(to)?,
        are_in_a_row,
    })
}

/// What a character is to a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Separator,
    /// Goes inside a word, and does not begin one.
    Mark,
    Letter(char),
}

impl Tables {
    fn kind(&self, character: char) -> Kind {
        let code = u32::from(character);
        let place = self.separators.partition_point(|(_, last)| *last < code);
        let is_separator = self.separators.get(place);
        if code == 0 || is_separator.is_some_and(|(first, _)| *first <= code) {
            return Kind::Separator;
        }
        let place = self.folds.partition_point(|fold| fold.last < code);
        let fold = self.folds.get(place);
        let fold = fold.filter(|fold| fold.first <= code && (code - fold.first) % fold.step == 0);
        let folded = fold.map_or(code, |fold| {
            fold.to
                + if fold.are_in_a_row {
                    code - fold.first
                } else {
                    0
                }
        });
        match char::from_u32(folded) {
            Some('\0') | None => Kind::Mark,
            Some(letter) => Kind::Letter(letter),
        }
    }
}

/// The words of a text, in their order.
#[must_use]
pub fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        match TABLES.kind(character) {
            Kind::Letter(letter) => word.push(letter),
            Kind::Mark => {}
            Kind::Separator if word.is_empty() => {}
            Kind::Separator => words.push(std::mem::take(&mut word)),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The words of three texts with their places, as a `tsvector` of PostgreSQL.
#[must_use]
pub fn index_of(texts: [&str; 3]) -> String {
    let mut place = 1;
    let mut index = Vec::new();
    for (text, weight) in texts.into_iter().zip(WEIGHTS) {
        for word in words_of(text) {
            let word = word.get(..word.floor_char_boundary(WORD_BYTES_MAX));
            let word = word.unwrap_or_default();
            index.push(format!("'{word}':{place}{weight}"));
            place += 1;
        }
        place += GAP;
    }
    index.join(" ")
}

/// The words of a text one after the other, as a part of a `tsquery` of PostgreSQL: the last one may go on when it `is_begun`, and all
/// are words of the first text of the index when they are `in_first`. None when there are no words.
#[must_use]
pub fn phrase_of(text: &str, is_begun: bool, in_first: bool) -> Option<String> {
    let words = words_of(text);
    let last = words.len().checked_sub(1)?;
    let part = |(place, word): (usize, String)| {
        let goes_on = if is_begun && place == last { "*" } else { "" };
        let weight = if in_first { "A" } else { "" };
        match (goes_on, weight) {
            ("", "") => format!("'{word}'"),
            _ => format!("'{word}':{goes_on}{weight}"),
        }
    };
    let parts: Vec<String> = words.into_iter().enumerate().map(part).collect();
    Some(format!("({})", parts.join(" <-> ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_neither_capitals_nor_accents() {
        for (text, words) in [
            ("Grüner TEE, 12e34abc!", vec!["gruner", "tee", "12e34abc"]),
            ("T-100/β Ünïcode", vec!["t", "100", "β", "unicode"]),
            ("e\u{301}te\u{301} \u{301} a", vec!["ete", "a"]),
            ("茶 お茶", vec!["茶", "お茶"]),
            (" -- ", vec![]),
        ] {
            assert_eq!(words_of(text), words, "{text}");
        }
    }

    /// The words that SQLite itself finds in texts, in their order.
    fn words_of_sqlite(texts: &[String]) -> Vec<Vec<String>> {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        let schema = "
            CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
            CREATE VIRTUAL TABLE found USING fts5vocab (texts, instance);
            BEGIN;";
        database.execute_batch(schema).unwrap();
        let mut insert = database
            .prepare("INSERT INTO texts (rowid, text) VALUES (?, ?)")
            .unwrap();
        for (number, text) in (0_i64..).zip(texts) {
            insert.execute((number, text)).unwrap();
        }
        let mut words = vec![Vec::new(); texts.len()];
        let mut select = database
            .prepare("SELECT doc, term FROM found ORDER BY doc, offset")
            .unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        for row in rows.unwrap() {
            let (text, word): (i64, String) = row.unwrap();
            words[usize::try_from(text).unwrap()].push(word);
        }
        words
    }

    #[test]
    fn every_character_is_what_it_is_to_sqlite() {
        const PLANES_WITH_LETTERS: u32 = 0x3_2000;
        let all = (1..PLANES_WITH_LETTERS).chain(0xe_0000..0xe_0200);
        let characters: Vec<char> = all.filter_map(char::from_u32).collect();
        for characters in characters.chunks(10_000) {
            let text = |character: &char| format!("a{character}b {character}");
            let texts: Vec<String> = characters.iter().map(text).collect();
            let expected = words_of_sqlite(&texts);
            for (text, expected) in texts.iter().zip(expected) {
                assert_eq!(words_of(text), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn an_index_has_places_and_weights() {
        let index = index_of(["Green tea", "T-1", "tea"]);
        assert_eq!(index, "'green':1A 'tea':2A 't':5B '1':6B 'tea':9C");
        let long = index_of([&"é".repeat(5_000), "", ""]);
        assert!(long.len() <= WORD_BYTES_MAX + 5);
    }

    #[test]
    fn phrases_may_go_on_and_be_of_the_first_text() {
        let phrase = |text, is_begun, in_first| phrase_of(text, is_begun, in_first);
        assert_eq!(phrase("T-1", false, false).unwrap(), "('t' <-> '1')");
        assert_eq!(phrase("T-1", true, false).unwrap(), "('t' <-> '1':*)");
        assert_eq!(phrase("tea", true, true).unwrap(), "('tea':*A)");
        assert_eq!(phrase("-", true, true), None);
    }
}
