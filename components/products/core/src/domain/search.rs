//! What a shopper searches for.

use mercato_kernel::Page;

use crate::domain::facet::CountedFacet;
use crate::domain::product::ProductView;
use crate::domain::values::line_of_text;

line_of_text! {
    QUERY_CHARS_MAX = 200;
    /// Words to search for, such as `espresso cu`.
    SearchWords
}

/// Most terms of a search that count. A term is a run of letters and digits: `T-100` has two.
pub const TERMS_MAX: usize = 8;

/// Units that goods are measured by, in small letters. Behind a number they belong to it: `250 g` is `250g`.
const UNITS: [&str; 40] = [
    "mg", "g", "kg", "oz", "lb", "lbs", "ml", "cl", "dl", "l", "gal", "mm", "cm", "dm", "m", "km",
    "ft", "inch", "zoll", "m2", "m²", "m3", "m³", "v", "kv", "w", "kw", "wh", "kwh", "ma", "mah",
    "ah", "hz", "khz", "mhz", "ghz", "kb", "mb", "gb", "tb",
];

/// Most matches that are ranked: see [`Search`].
pub const RANKED_MATCHES_MAX: u64 = 10_000;

/// Most matches among which a walk through a ranked list goes on, so that it does not end because some are added to what
/// was [`RANKED_MATCHES_MAX`] when it began.
pub const RANKED_WALK_MATCHES_MAX: u64 = 2 * RANKED_MATCHES_MAX;

/// What a shopper searches for: words, each of which a product must have in its name, its number or its description;
/// the last one need only be the beginning of a word there, for it may still be being typed. A word counts once, and what
/// follows the first [`TERMS_MAX`] terms does not count.
///
/// Among the products found, those that have all the words in their names come first, then those that have some there,
/// then the others; within each, short names come before long ones. When more than [`RANKED_MATCHES_MAX`] are found, they
/// are not ranked: the newest come first. All of that depends on the product alone, so it stays true while others come and go: see
/// the decisions on search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
    is_unfinished: bool,
}

/// What a list finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPage {
    /// One page of it.
    pub page: Page<ProductView>,
    /// What was searched for instead of what was typed, where that is found nowhere: see [`Search::corrected`].
    pub corrected: Option<String>,
    /// The facets that were asked for, each once. Of a list whose total is not exact, so many of its products are counted as the
    /// total says.
    pub facets: Vec<CountedFacet>,
}

impl From<Page<ProductView>> for FoundPage {
    fn from(page: Page<ProductView>) -> Self {
        Self {
            page,
            corrected: None,
            facets: Vec::new(),
        }
    }
}

impl Search {
    /// The search for what somebody typed. What has no letter and no digit is no word, and a search without words finds nothing.
    pub fn new(typed: &SearchWords) -> Self {
        let words = with_units(typed.as_str());
        let (words, is_unfinished) = first_terms(distinct(&words));
        Self {
            words,
            is_unfinished,
        }
    }

    /// The same search for words that stand for those that were typed, each for the one in its place.
    #[must_use]
    pub const fn corrected(&self, words: Vec<String>) -> Self {
        Self {
            words,
            is_unfinished: self.is_unfinished,
        }
    }

    /// The words as they were typed, numbers with their units.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether the last word need only be the beginning of one.
    pub const fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }
}

/// The words of a line, a number and its unit as one.
fn with_units(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        match words.last_mut() {
            Some(number) if is_number(number) && is_unit(word) => number.push_str(word),
            _ => words.push(word.to_owned()),
        }
    }
    words
}

fn is_number(word: &str) -> bool {
    let is_of_number = |letter: char| letter.is_numeric() || matches!(letter, '.' | ',' | '/');
    word.ends_with(char::is_numeric) && word.chars().all(is_of_number)
}

fn is_unit(word: &str) -> bool {
    let unit = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    UNITS.contains(&&*unit.to_lowercase())
}

/// The words of a line. One that is repeated stands where it stands last, for only the last one may be unfinished.
fn distinct(line: &[String]) -> Vec<&str> {
    let mut words: Vec<(String, &str)> = Vec::new();
    for word in line.iter().filter(|word| has_term(word)) {
        let folded = word.to_lowercase();
        words.retain(|(other, _)| *other != folded);
        words.push((folded, word));
    }
    words.into_iter().map(|(_, word)| word).collect()
}

/// What the first [`TERMS_MAX`] terms are of, and whether that is all there is.
fn first_terms(words: Vec<&str>) -> (Vec<String>, bool) {
    let (mut first, mut left) = (Vec::new(), TERMS_MAX);
    for word in words {
        let end = end_of_term(word, left);
        if let Some(whole) = word.get(..end).filter(|text| has_term(text)) {
            first.push(whole.to_owned());
        }
        if word.get(end..).is_some_and(has_term) {
            return (first, false);
        }
        left = left.saturating_sub(terms(word));
    }
    (first, true)
}

fn has_term(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// The terms of a word.
fn terms(word: &str) -> usize {
    let runs = word.split(|letter: char| !letter.is_alphanumeric());
    runs.filter(|run| !run.is_empty()).count()
}

/// Where the so-manieth term of a word ends, in bytes; the end of the word when it has no more.
fn end_of_term(word: &str, number: usize) -> usize {
    let (mut begun, mut is_inside) = (0, false);
    for (position, letter) in word.char_indices() {
        let is_term = letter.is_alphanumeric();
        if is_term && !is_inside {
            if begun == number {
                return position;
            }
            begun += 1;
        }
        is_inside = is_term;
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(text: &str) -> Search {
        Search::new(&text.parse().unwrap())
    }

    fn words(text: &str) -> Vec<String> {
        search(text).words
    }

    #[test]
    fn words_are_what_has_a_letter_or_a_digit_between_spaces() {
        assert_eq!(words("  green   TEA "), ["green", "TEA"]);
        assert_eq!(words("tea & T-1, 100%"), ["tea", "T-1,", "100%"]);
        assert_eq!(words("Grüner\u{a0}茶"), ["Grüner", "茶"]);
        assert_eq!(words("-- * \" ("), [""; 0]);
    }

    #[test]
    fn a_word_counts_once_where_it_stands_last() {
        assert_eq!(words("item item Item item"), ["item"]);
        assert_eq!(words("tea green TEA"), ["green", "TEA"]);
        assert!(search("tea tea").is_unfinished());
    }

    #[test]
    fn a_number_and_its_unit_are_one_word() {
        assert_eq!(words("tea 250 g"), ["tea", "250g"]);
        assert_eq!(words("250 G, 500 g tea"), ["250G,", "500g", "tea"]);
        assert_eq!(words("1,5 l 20 cups g"), ["1,5l", "20", "cups", "g"]);
        assert_eq!(words("T-100 g 4. 5"), ["T-100", "g", "4.", "5"]);
    }

    #[test]
    fn the_first_eight_terms_count_and_a_cut_search_is_finished() {
        let eight = "a b c d e f g h";
        assert_eq!(words(eight).join(" "), eight);
        assert!(search(eight).is_unfinished());
        for more in [
            "a b c d e f g h i",
            "a b c d e f g h i-j",
            "a a b c d e f g h i",
        ] {
            assert_eq!(words(more).join(" "), eight, "{more}");
            assert!(!search(more).is_unfinished(), "{more}");
        }
        assert_eq!(
            words("a b c d e f-g, h-i-j k"),
            ["a", "b", "c", "d", "e", "f-g,", "h-"]
        );
        let long = ["item"; 40].join("-");
        assert_eq!(words(&long), [format!("{}-", ["item"; 8].join("-"))]);
    }

    #[test]
    fn a_query_is_1_to_200_characters_and_has_no_control_characters() {
        let parse = str::parse::<SearchWords>;
        assert!(parse(&"é".repeat(QUERY_CHARS_MAX)).is_ok());
        for (text, code) in [
            ("", "required"),
            (" \t ", "required"),
            ("a\0b", "control-characters"),
            (&*"x".repeat(QUERY_CHARS_MAX + 1), "max"),
        ] {
            assert_eq!(parse(text).unwrap_err().0, code, "{text:?}");
        }
    }
}
