//! The words of a search as expressions of FTS5, and of a `tsquery` of PostgreSQL.

use mercato_sql::words::{Phrase, phrases_of};
use mercato_sql::{Connection, Dialect, Error, Row, params};

use crate::domain::search::Search;

/// Longest beginning of a word, in characters, that the index of words knows by itself: see the migrations.
const INDEXED_PREFIX_CHARS: usize = 3;

/// Most words that a beginning is replaced by.
const COMPLETIONS_MAX: usize = 16;

/// The words that begin so, in order: between the beginning and what comes after everything that begins so. From each
/// one the next is looked up; `!` comes before every letter and digit.
const COMPLETIONS: &str = "\
WITH RECURSIVE found (term) AS (
  SELECT (
    SELECT term
    FROM catalogue_words
    WHERE term >= ?1 AND term < ?2
    LIMIT 1)
  UNION ALL
  SELECT (
    SELECT term
    FROM catalogue_words
    WHERE term >= found.term || '!' AND term < ?2
    LIMIT 1)
  FROM found
  WHERE found.term IS NOT NULL)
SELECT term
FROM found
WHERE term IS NOT NULL
LIMIT ?3";

/// The words of a search, each as the database looks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    each: Vec<String>,
    /// Each in the name alone; FTS5 says that of all together.
    in_name: Option<Vec<String>>,
    is_indexed: bool,
}

impl Words {
    /// The words of a search; none when it has no words, or one that no product has.
    ///
    /// A word that is being typed stands for all that begin so. FTS5 finds the products of a short beginning in an index,
    /// one after the other; those of a longer one it gathers all before it gives the first. So a longer one is
    /// replaced by the words that begin so, if they are few: usually there is one, and everybody has it.
    pub fn look_up(connection: &Connection, search: &Search) -> Result<Option<Self>, Error> {
        let phrases = phrases(search);
        let Some((last, before)) = phrases.split_last() else {
            return Ok(None);
        };
        if connection.dialect() == Dialect::Postgres {
            return Ok(Some(Self::in_tsquery(&phrases)));
        }
        let mut each: Vec<String> = before.iter().map(|word| in_fts5(word)).collect();
        let (expression, is_indexed) = match completions(connection, last)? {
            Completions::None => return Ok(None),
            Completions::Few(words) => (any_of(&words, " OR "), true),
            Completions::Indexed => (in_fts5(last), true),
            Completions::Many => (in_fts5(last), false),
        };
        each.push(expression);
        Ok(Some(Self {
            each,
            in_name: None,
            is_indexed,
        }))
    }

    /// The words of a search in PostgreSQL, whose index knows all beginnings by itself.
    fn in_tsquery(phrases: &[Vec<Phrase>]) -> Self {
        let expressions = |in_name| {
            let one = |phrase: &Phrase| phrase.in_tsquery(in_name);
            let word =
                |word: &Vec<Phrase>| any_of(&word.iter().map(one).collect::<Vec<_>>(), " | ");
            phrases.iter().map(word).collect()
        };
        Self {
            each: expressions(false),
            in_name: Some(expressions(true)),
            is_indexed: true,
        }
    }

    /// All the words, wherever they are.
    pub fn all(&self) -> String {
        let and = match self.in_name {
            None => " AND ",
            Some(_) => " & ",
        };
        self.each.join(and)
    }

    /// All the words in the name.
    pub fn all_in_name(&self) -> String {
        match &self.in_name {
            None => format!("name : ({})", self.all()),
            Some(in_name) => in_name.join(" & "),
        }
    }

    /// All the words, and some of them in the name.
    pub fn some_in_name(&self) -> String {
        let all = self.all();
        match &self.in_name {
            None => format!("({all}) AND name : ({})", self.each.join(" OR ")),
            Some(in_name) => format!("({all}) & ({})", in_name.join(" | ")),
        }
    }

    /// Whether there are several of them.
    pub fn are_several(&self) -> bool {
        self.each.len() > 1
    }

    /// Whether it costs little to look whether one product has them.
    pub const fn is_indexed(&self) -> bool {
        self.is_indexed
    }
}

/// What each word of a search stands for. What has no word that an index could have is left out.
fn phrases(search: &Search) -> Vec<Vec<Phrase>> {
    let last = search.words().len().saturating_sub(1);
    let words = search.words().iter().enumerate();
    words
        .map(|(place, word)| phrases_of(word, search.is_unfinished() && place == last))
        .filter(|phrases| !phrases.is_empty())
        .collect()
}

fn in_fts5(word: &[Phrase]) -> String {
    let phrases: Vec<String> = word.iter().map(Phrase::in_fts5).collect();
    any_of(&phrases, " OR ")
}

fn any_of(expressions: &[String], or: &str) -> String {
    match expressions {
        [one] => one.clone(),
        _ => format!("({})", expressions.join(or)),
    }
}

/// What begins like a word that is being typed.
enum Completions {
    /// Nothing.
    None,
    /// These words, as strings of FTS5.
    Few(Vec<String>),
    /// Whatever it is, the index knows it by itself, or the word is finished.
    Indexed,
    /// More than [`COMPLETIONS_MAX`] words, or several phrases.
    Many,
}

fn completions(connection: &Connection, last: &[Phrase]) -> Result<Completions, Error> {
    if !last.iter().any(Phrase::is_begun) {
        return Ok(Completions::Indexed);
    }
    let [phrase] = last else {
        return Ok(Completions::Many);
    };
    let Some(first) = phrase.only_word() else {
        return Ok(Completions::Many);
    };
    if first.chars().count() <= INDEXED_PREFIX_CHARS {
        return Ok(Completions::Indexed);
    }
    // What follows all that begins so: in UTF-8 nothing comes after the largest character.
    let end = format!("{first}\u{10ffff}");
    let limit = u64::try_from(COMPLETIONS_MAX + 1).unwrap_or(u64::MAX);
    let rows = connection.query(COMPLETIONS, params![first, end, limit])?;
    let word = |row: &Row| Ok(Phrase::word(&row.get::<String>("term")?, false).in_fts5());
    let words: Vec<String> = rows.iter().map(word).collect::<Result<_, Error>>()?;
    Ok(match words.len() {
        0 => Completions::None,
        1..=COMPLETIONS_MAX => Completions::Few(words),
        _ => Completions::Many,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_made_of_all_words() {
        let words = Words {
            each: vec![r#""green""#.to_owned(), r#""tea"*"#.to_owned()],
            in_name: None,
            is_indexed: true,
        };
        assert_eq!(words.all(), r#""green" AND "tea"*"#);
        assert_eq!(words.all_in_name(), r#"name : ("green" AND "tea"*)"#);
        assert_eq!(
            words.some_in_name(),
            r#"("green" AND "tea"*) AND name : ("green" OR "tea"*)"#
        );
        let search = Search::new(&"Levi's & T-1".parse().unwrap());
        let words = Words::in_tsquery(&phrases(&search));
        assert_eq!(
            words.all(),
            "(('levi' <-> 's') | ('levis')) & ('t' <-> '1':*)"
        );
        assert_eq!(
            words.all_in_name(),
            "(('levi':A <-> 's':A) | ('levis':A)) & ('t':A <-> '1':*A)"
        );
        assert_eq!(
            words.some_in_name(),
            "((('levi' <-> 's') | ('levis')) & ('t' <-> '1':*)) & ((('levi':A <-> 's':A) | ('levis':A)) | ('t':A <-> '1':*A))"
        );
    }
}
