//! The words of a search as expressions of FTS5, and of a `tsquery` of PostgreSQL.

use mercato_sql::words::phrase_of;
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
        if connection.dialect() == Dialect::Postgres {
            return Ok(Self::in_tsquery(search));
        }
        let mut each: Vec<String> = search.words().iter().map(|word| quoted(word)).collect();
        let (Some(typed), Some(last)) = (search.words().last(), each.last_mut()) else {
            return Ok(None);
        };
        let mut is_indexed = true;
        if search.is_unfinished() {
            match completions(connection, typed)? {
                Completions::None => return Ok(None),
                Completions::Few(words) => *last = format!("({})", words.join(" OR ")),
                Completions::Indexed => last.push('*'),
                Completions::Many => {
                    last.push('*');
                    is_indexed = false;
                }
            }
        }
        Ok(Some(Self {
            each,
            in_name: None,
            is_indexed,
        }))
    }

    /// The words of a search in PostgreSQL, whose index knows all beginnings by itself.
    fn in_tsquery(search: &Search) -> Option<Self> {
        let last = search.words().len().checked_sub(1)?;
        let phrases = |in_name| -> Option<Vec<String>> {
            let words = search.words().iter().enumerate();
            words
                .map(|(place, word)| {
                    let is_begun = search.is_unfinished() && place == last;
                    phrase_of(word, is_begun, in_name)
                })
                .collect()
        };
        Some(Self {
            each: phrases(false)?,
            in_name: Some(phrases(true)?),
            is_indexed: true,
        })
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

/// What begins like a word that is being typed.
enum Completions {
    /// Nothing.
    None,
    /// These words, as strings of FTS5.
    Few(Vec<String>),
    /// Whatever it is, the index knows it by itself.
    Indexed,
    /// More than [`COMPLETIONS_MAX`] words. Or it is not known which, for FTS5 takes capitals, accents and the alphabets of
    /// the world in a way of its own.
    Many,
}

fn completions(connection: &Connection, typed: &str) -> Result<Completions, Error> {
    if typed.chars().count() <= INDEXED_PREFIX_CHARS {
        return Ok(Completions::Indexed);
    }
    if !typed.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(Completions::Many);
    }
    let first = typed.to_ascii_lowercase();
    // What follows all that begins so: in UTF-8 nothing comes after the largest character.
    let end = format!("{first}\u{10ffff}");
    let limit = u64::try_from(COMPLETIONS_MAX + 1).unwrap_or(u64::MAX);
    let rows = connection.query(COMPLETIONS, params![first, end, limit])?;
    let word = |row: &Row| Ok(quoted(&row.get::<String>("term")?));
    let words: Vec<String> = rows.iter().map(word).collect::<Result<_, Error>>()?;
    Ok(match words.len() {
        0 => Completions::None,
        1..=COMPLETIONS_MAX => Completions::Few(words),
        _ => Completions::Many,
    })
}

/// A string of FTS5 (<https://sqlite.org/fts5.html#fts5_strings>). In quotes nothing of its query language has a meaning.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_so_that_they_mean_nothing_else() {
        for (word, expected) in [
            ("tea", r#""tea""#),
            (r#"6""#, r#""6""""#),
            ("NOT", r#""NOT""#),
            ("(NEAR", r#""(NEAR""#),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

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
        let search = Search::new(&"Green T-1".parse().unwrap());
        let words = Words::in_tsquery(&search).unwrap();
        assert_eq!(words.all(), "('green') & ('t' <-> '1':*)");
        assert_eq!(words.all_in_name(), "('green':A) & ('t':A <-> '1':*A)");
        assert_eq!(
            words.some_in_name(),
            "(('green') & ('t' <-> '1':*)) & (('green':A) | ('t':A <-> '1':*A))"
        );
    }
}
