//! Searches for words that no product has: each is taken for the one that it is a typo of, when there is one.

use mercato_sql::words::{Phrase, can_be_typo, one_typo_away, phrases_of};
use mercato_sql::{Connection, Dialect, Error, Row, Value, params};

use crate::domain::search::Search;

/// Most words of a search in which a typo is forgiven: each costs some hundred looks into the index.
const CORRECTED_WORDS_MAX: usize = 2;

/// Products that a word is counted in, to choose between several.
const COUNTED_PRODUCTS_MAX: u64 = 1_000;

const IS_FOUND: &str = "\
SELECT 1
FROM products_by_word
WHERE products_by_word MATCH ?
LIMIT 1";

/// Which of some words products have, with what they are looked for as, those in most products first. Of the words in equally many, the
/// longest comes first. The parts are how a store is asked for an expression, and for texts in the order of their bytes.
macro_rules! found {
    ($matches:literal, $in_order_of_bytes:literal) => {
        concat!(
            "\
WITH counted (word, products) AS (
  SELECT json_extract(wanted.value, '$[0]'), (
    SELECT COUNT(*)
    FROM (
      SELECT 1
      FROM products_by_word
      WHERE products_by_word ",
            $matches,
            "
      LIMIT ?2) AS found)
  FROM json_each(?1) AS wanted)
SELECT word
FROM counted
WHERE products > 0
ORDER BY products DESC, length(word) DESC, word",
            $in_order_of_bytes,
            "
LIMIT 1 -- plan: sorts the few words that there are"
        )
    };
}

const FOUND: &str = found!("MATCH json_extract(wanted.value, '$[1]')", "");

/// In PostgreSQL `MATCH` is for parameters.
const FOUND_BY_POSTGRES: &str = found!(
    "@@ CAST(json_extract(wanted.value, '$[1]') AS TSQUERY)",
    " COLLATE \"C\""
);

/// What somebody may have meant whose search finds nothing: the same words, with one typo made good in each that no product has. None
/// when there is no such word, or one that is no typo.
pub fn corrected(connection: &Connection, search: &Search) -> Result<Option<Search>, Error> {
    let last = search.words().len().saturating_sub(1);
    let (mut words, mut corrections) = (Vec::new(), 0);
    for (place, typed) in search.words().iter().enumerate() {
        let is_begun = search.is_unfinished() && place == last;
        if is_found(connection, &phrases_of(typed, is_begun))? {
            words.push(typed.clone());
            continue;
        }
        corrections += 1;
        if corrections > CORRECTED_WORDS_MAX {
            return Ok(None);
        }
        let Some(meant) = meant(connection, typed, is_begun)? else {
            return Ok(None);
        };
        words.push(meant);
    }
    Ok((corrections > 0).then(|| search.corrected(words)))
}

/// Whether any product has a word. What is none is not looked for, so it is nowhere missing.
fn is_found(connection: &Connection, word: &[Phrase]) -> Result<bool, Error> {
    for phrase in word {
        let found = connection.query_one(IS_FOUND, params![expression(connection, phrase)])?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(word.is_empty())
}

/// The word that was meant: a whole one, or else the beginning of one that is still being typed.
fn meant(connection: &Connection, typed: &str, is_begun: bool) -> Result<Option<String>, Error> {
    let Some(typed) = can_be_typo(typed) else {
        return Ok(None);
    };
    let mut words = one_typo_away(&typed);
    if let Some(word) = most_common(connection, &words, false)? {
        return Ok(Some(word));
    }
    if !is_begun {
        return Ok(None);
    }
    // Shorter beginnings leave out what was typed.
    words.retain(|word| word.chars().count() >= typed.chars().count());
    most_common(connection, &words, true)
}

fn most_common(
    connection: &Connection,
    words: &[String],
    are_begun: bool,
) -> Result<Option<String>, Error> {
    let wanted = words.iter().map(|word| {
        let expression = expression(connection, &Phrase::word(word, are_begun));
        (word, expression)
    });
    let wanted: Vec<(&String, String)> = wanted.collect();
    let statement = match connection.dialect() {
        Dialect::Sqlite => FOUND,
        Dialect::Postgres => FOUND_BY_POSTGRES,
    };
    let row = connection.query_one(
        statement,
        params![Value::json(&wanted), COUNTED_PRODUCTS_MAX],
    )?;
    row.map(|row: Row| row.get("word")).transpose()
}

fn expression(connection: &Connection, phrase: &Phrase) -> String {
    match connection.dialect() {
        Dialect::Sqlite => phrase.in_fts5(),
        Dialect::Postgres => phrase.in_tsquery(false),
    }
}
