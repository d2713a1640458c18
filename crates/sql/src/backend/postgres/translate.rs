//! From SQLite's words to PostgreSQL's. Statements are written so that one text does for both; what stays different is this:
//!
//! - parameters: `?` and `?3` are `$1` and `$3`;
//! - the index of words: `MATCH ?` is `@@` with a `tsquery`;
//! - what speaks to SQLite's planner alone is left out: `INDEXED BY`, a `+` before a column, `CROSS` before `JOIN … ON`.
//!
//! Keywords are written in capitals, and names are not.

/// That statement as PostgreSQL takes it.
pub fn translate(statement: &str) -> String {
    let mut translation = Translation {
        rest: statement,
        done: String::with_capacity(statement.len() + 16),
        parameters: 0,
        follows_operand: false,
    };
    while translation.step() {}
    translation.done
}

struct Translation<'a> {
    rest: &'a str,
    done: String,
    /// The largest number of a parameter so far.
    parameters: u32,
    /// Whether the last token was a value, so that a `+` adds something to it.
    follows_operand: bool,
}

impl<'a> Translation<'a> {
    /// Translates the next token; false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        match first {
            '\'' | '"' => self.copy_quoted(first),
            '-' if self.rest.starts_with("--") => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                let comment = self.take(end);
                self.done.push_str(comment);
            }
            '?' => self.parameter(),
            '+' if !self.follows_operand => drop(self.take(1)),
            _ if is_of_word(first) => self.word(),
            _ => {
                let character = self.take(first.len_utf8());
                self.done.push_str(character);
                if !first.is_whitespace() {
                    self.follows_operand = first == ')';
                }
            }
        }
        true
    }

    /// The next bytes of the statement.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, is_wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !is_wanted(character));
        self.take(end.unwrap_or(self.rest.len()))
    }

    /// Quotes inside are doubled, so what comes after the first half of such a pair is one more of these.
    fn copy_quoted(&mut self, quote: char) {
        let end = self.rest.get(1..).and_then(|inside| inside.find(quote));
        let quoted = self.take(end.map_or(self.rest.len(), |end| end + 2));
        self.done.push_str(quoted);
        self.follows_operand = true;
    }

    fn parameter(&mut self) {
        self.take(1);
        let number = self.take_while(|character| character.is_ascii_digit());
        let number = number.parse().unwrap_or(self.parameters + 1);
        self.parameters = self.parameters.max(number);
        self.done.push_str(&format!("${number}"));
        self.follows_operand = true;
    }

    fn word(&mut self) {
        let word = self.take_while(is_of_word);
        match word {
            "INDEXED" => {
                for _ in 0..2 {
                    self.take_while(char::is_whitespace);
                    self.take_while(is_of_word);
                }
            }
            "CROSS" => drop(self.take_while(char::is_whitespace)),
            "MATCH" => {
                self.done.push_str("@@ CAST(CAST(");
                self.take_while(char::is_whitespace);
                self.parameter();
                self.done.push_str(" AS TEXT) AS TSQUERY)");
            }
            _ => {
                self.done.push_str(word);
                let is_keyword = word.chars().all(|character| character.is_ascii_uppercase());
                self.follows_operand = !is_keyword || matches!(word, "END" | "NULL");
            }
        }
    }
}

fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_numbers() {
        for (statement, translated) in [
            ("a = ? AND b = ?", "a = $1 AND b = $2"),
            ("VALUES (?2, ?1, ?2, ?)", "VALUES ($2, $1, $2, $3)"),
            ("a = '?''?' AND \"?\" = ?", "a = '?''?' AND \"?\" = $1"),
            (
                "a = ? -- why? it's so\n AND b = ?",
                "a = $1 -- why? it's so\n AND b = $2",
            ),
            (
                "json_extract(a, '$[1]') = ?",
                "json_extract(a, '$[1]') = $1",
            ),
        ] {
            assert_eq!(translate(statement), translated);
        }
    }

    #[test]
    fn words_for_the_planner_of_sqlite_are_left_out() {
        for (statement, translated) in [
            ("FROM a INDEXED BY a_by_b\nWHERE c", "FROM a \nWHERE c"),
            ("WHERE +a = 1 AND +b.c > 2", "WHERE a = 1 AND b.c > 2"),
            ("ORDER BY +a DESC, +b", "ORDER BY a DESC, b"),
            ("CASE WHEN a THEN 0 END + b", "CASE WHEN a THEN 0 END + b"),
            ("(a) + ?1 + 'b' + 2", "(a) + $1 + 'b' + 2"),
            ("SET a = a + 1", "SET a = a + 1"),
            (
                "FROM a CROSS JOIN b ON b.c = a.c",
                "FROM a JOIN b ON b.c = a.c",
            ),
        ] {
            assert_eq!(translate(statement), translated);
        }
    }

    #[test]
    fn words_are_searched_by_a_tsquery() {
        assert_eq!(
            translate("WHERE words MATCH ? LIMIT ?"),
            "WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) LIMIT $2"
        );
    }
}
