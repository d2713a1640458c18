//! Texts as runs of words: what stands between two spaces or marks.

use super::fold::{folded, is_dense};

/// Longest word, in bytes: PostgreSQL takes no longer ones. What people search for is shorter, so no more of a word is ever compared.
const WORD_BYTES_MAX: usize = 2_046;

/// What people write between parts of a word, or leave out. The last ones are letters of their own to Unicode, or marks of Hebrew.
const JOINERS: [char; 15] = [
    '-', '\'', '`', '‐', '‑', '‒', '–', '−', '‘', '’', '′', 'ʹ', 'ʼ', '׳', '״',
];

/// What a word is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Letters,
    Digits,
    /// Letters of a script that sets no spaces between words.
    Dense,
}

/// A part of a run that is of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    pub kind: Kind,
    /// Whether a hyphen or an apostrophe sets it apart from the part before.
    is_joined: bool,
}

/// Parts that nothing but hyphens and apostrophes sets apart.
pub type Run = Vec<Part>;

/// The runs of a text, folded.
pub fn runs(text: &str) -> Vec<Run> {
    let (mut runs, mut run) = (Vec::new(), Run::new());
    let mut is_joined = false;
    for character in folded(text).chars() {
        match kind(character) {
            Some(kind) => {
                add(&mut run, character, kind, is_joined);
                is_joined = false;
            }
            None if JOINERS.contains(&character) && !run.is_empty() && !is_joined => {
                is_joined = true
            }
            None => {
                is_joined = false;
                if !run.is_empty() {
                    runs.push(std::mem::take(&mut run));
                }
            }
        }
    }
    if !run.is_empty() {
        runs.push(run);
    }
    runs
}

fn kind(character: char) -> Option<Kind> {
    if JOINERS.contains(&character) || !character.is_alphanumeric() {
        None
    } else if character.is_numeric() && !is_dense(character) {
        Some(Kind::Digits)
    } else if is_dense(character) {
        Some(Kind::Dense)
    } else {
        Some(Kind::Letters)
    }
}

fn add(run: &mut Run, character: char, kind: Kind, is_joined: bool) {
    match run.last_mut() {
        Some(part) if part.kind == kind && !is_joined => part.text.push(character),
        before => {
            let is_joined = is_joined && before.is_some();
            run.push(Part {
                text: character.to_string(),
                kind,
                is_joined,
            });
        }
    }
}

/// The run without its hyphens and apostrophes; none when that is no other.
pub fn closed(run: &[Part]) -> Option<Run> {
    let mut closed = Run::new();
    for part in run {
        match closed.last_mut() {
            Some(last) if can_close(last, part) => last.text.push_str(&part.text),
            _ => closed.push(part.clone()),
        }
    }
    (closed.len() < run.len()).then_some(closed)
}

/// Words of two parts each, where somebody may leave out one hyphen of several: `T-Shirt` in `Baby-T-Shirt`.
pub fn closed_pairs(run: &[Part]) -> impl Iterator<Item = String> {
    let pairs = run.iter().zip(run.iter().skip(1));
    pairs
        .filter(|(before, part)| can_close(before, part))
        .map(|(before, part)| cut(format!("{}{}", before.text, part.text)))
}

fn can_close(before: &Part, part: &Part) -> bool {
    part.is_joined && part.kind == before.kind && part.kind != Kind::Dense
}

/// The words of a part as an index has them. Of dense letters these are all pairs, and the last letter by itself, so that each letter
/// begins a word.
pub fn indexed(part: &Part) -> Vec<String> {
    match part.kind {
        Kind::Dense => pairs(&part.text).chain(last(&part.text)).collect(),
        Kind::Letters | Kind::Digits => vec![cut(part.text.clone())],
    }
}

/// The words of a part as a search has them that ends with it: what is one dense letter there begins a word.
pub fn searched(part: &Part) -> Vec<String> {
    if part.kind == Kind::Dense && part.text.chars().nth(1).is_some() {
        pairs(&part.text).collect()
    } else {
        indexed(part)
    }
}

fn pairs(text: &str) -> impl Iterator<Item = String> {
    let seconds = text.chars().skip(1);
    text.chars()
        .zip(seconds)
        .map(|(first, second)| String::from_iter([first, second]))
}

fn last(text: &str) -> Option<String> {
    text.chars().next_back().map(String::from)
}

fn cut(mut word: String) -> String {
    word.truncate(word.floor_char_boundary(WORD_BYTES_MAX));
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<Vec<&'static str>> {
        let text_of = |part: Part| -> &'static str { part.text.leak() };
        let run = |run: Run| run.into_iter().map(text_of).collect();
        runs(text).into_iter().map(run).collect()
    }

    fn one(text: &str) -> Run {
        let mut runs = runs(text);
        assert_eq!(runs.len(), 1, "{text}");
        runs.remove(0)
    }

    fn texts(run: Run) -> Vec<String> {
        run.into_iter().map(|part| part.text).collect()
    }

    #[test]
    fn letters_digits_and_dense_scripts_are_parts_of_runs() {
        for (text, expected) in [
            (
                "Grüner TEE, 250g!",
                vec![vec!["gruner"], vec!["tee"], vec!["250", "g"]],
            ),
            ("T-100/β", vec![vec!["t", "100"], vec!["β"]]),
            ("12e34abc", vec![vec!["12", "e", "34", "abc"]]),
            ("USB緑茶20個", vec![vec!["usb", "緑茶", "20", "個"]]),
            ("コーヒー・カップ", vec![vec!["こーひー"], vec!["かっふ"]]),
            ("e\u{301}te\u{301} \u{301} a", vec![vec!["ete"], vec!["a"]]),
            (" -- ' a--b -c- ", vec![vec!["a"], vec!["b"], vec!["c"]]),
            ("\u{1f375}", vec![]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn hyphens_and_apostrophes_can_be_left_out() {
        for (text, expected) in [
            ("T-Shirt", Some(vec!["tshirt"])),
            ("T‑Shirt", Some(vec!["tshirt"])),
            ("Levi's", Some(vec!["levis"])),
            ("Levi’s", Some(vec!["levis"])),
            ("L´Oréal", Some(vec!["loreal"])),
            ("rock'n'roll-100", Some(vec!["rocknroll", "100"])),
            ("978-3-16", Some(vec!["978316"])),
            ("GT-100", None),
            ("緑-茶", None),
            ("tea", None),
        ] {
            let expected = expected.map(|texts| texts.into_iter().map(String::from).collect());
            assert_eq!(closed(&one(text)).map(texts), expected, "{text}");
        }
        let pairs: Vec<String> = closed_pairs(&one("Baby-T-Shirt-2")).collect();
        assert_eq!(pairs, ["babyt", "tshirt"]);
    }

    #[test]
    fn dense_scripts_are_indexed_by_pairs_of_letters() {
        let part = |text: &str| one(text).remove(0);
        assert_eq!(indexed(&part("緑茶碗")), ["緑茶", "茶碗", "碗"]);
        assert_eq!(searched(&part("緑茶碗")), ["緑茶", "茶碗"]);
        assert_eq!(indexed(&part("茶")), ["茶"]);
        assert_eq!(searched(&part("茶")), ["茶"]);
        assert_eq!(searched(&part("tea")), ["tea"]);
        assert_eq!(indexed(&part("녹차")), ["녹차", "차"]);
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let word = indexed(&one(&"я".repeat(5_000)).remove(0)).remove(0);
        assert_eq!(word.len(), WORD_BYTES_MAX);
    }
}
