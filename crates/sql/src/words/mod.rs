//! The words of texts: in an index of words, and in a search. The program finds them, and the databases keep what it finds: an index
//! of FTS5 whose tokenizer `ascii` takes what stands between spaces, and a `tsvector`. So every database finds the same.
//!
//! A letter is the same with and without accents, large and small, wide and narrow: see [`fold`]. Numbers stand apart from the letters
//! behind them, so that `250g` is `250 g`. A word with hyphens or apostrophes is there without them, too. Scripts without spaces
//! are found by pairs of letters.

mod collation;
mod fold;
mod phrase;
mod runs;
mod typos;

pub use collation::sort_key;
pub use fold::folded;
pub use phrase::{Phrase, phrases_of};
pub use typos::{TYPO_LETTERS_MIN, can_be_typo, one_typo_away};

/// How words are made. An index that has words of another version is to be made anew.
pub const WORDS_VERSION: u32 = 2;

/// Between the texts of an index: no phrase reaches from one into the next.
const GAP: usize = 2;

/// The texts of an index, each with its own weight.
const WEIGHTS: [char; 3] = ['A', 'B', 'C'];

/// The words of a text, in their order. Behind them stand those that it has without its hyphens and apostrophes.
#[must_use]
pub fn words_of(text: &str) -> Vec<String> {
    let runs = runs::runs(text);
    let mut words: Vec<String> = runs.iter().flatten().flat_map(runs::indexed).collect();
    for run in &runs {
        let Some(closed) = runs::closed(run) else {
            continue;
        };
        words.extend(closed.iter().flat_map(runs::indexed));
        // Of two parts the one pair is the whole.
        if run.len() > closed.len() + 1 {
            words.extend(runs::closed_pairs(run));
        }
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
            index.push(format!("'{word}':{place}{weight}"));
            place += 1;
        }
        place += GAP;
    }
    index.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_text_and_those_of_its_closed_runs() {
        for (text, words) in [
            ("Grüner TEE, 250g!", vec!["gruner", "tee", "250", "g"]),
            (
                "Levi's T-Shirt",
                vec!["levi", "s", "t", "shirt", "levis", "tshirt"],
            ),
            (
                "Baby-T-Shirt-100",
                vec![
                    "baby",
                    "t",
                    "shirt",
                    "100",
                    "babytshirt",
                    "100",
                    "babyt",
                    "tshirt",
                ],
            ),
            ("緑茶 tea", vec!["緑茶", "茶", "tea"]),
            (" -- ", vec![]),
        ] {
            assert_eq!(words_of(text), words, "{text}");
        }
    }

    /// The words that SQLite takes from texts, in their order.
    fn words_of_sqlite(texts: &[String]) -> Vec<Vec<String>> {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        let schema = "
            CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = 'ascii');
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
    fn sqlite_takes_words_as_they_are_made() {
        const PLANES_WITH_LETTERS: u32 = 0x3_2000;
        let all = (1..PLANES_WITH_LETTERS).chain(0xe_0000..0xe_0200);
        let characters: Vec<char> = all.filter_map(char::from_u32).collect();
        for characters in characters.chunks(10_000) {
            let text = |character: &char| format!("a{character}b 1{character} {character}");
            let words: Vec<Vec<String>> = characters
                .iter()
                .map(text)
                .map(|text| words_of(&text))
                .collect();
            let texts: Vec<String> = words.iter().map(|words| words.join(" ")).collect();
            assert_eq!(words_of_sqlite(&texts), words);
        }
    }

    #[test]
    fn an_index_has_places_and_weights() {
        let index = index_of(["Green tea", "T-1", "tea"]);
        assert_eq!(index, "'green':1A 'tea':2A 't':5B '1':6B 'tea':9C");
    }
}
