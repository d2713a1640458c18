//! Words that one typo makes another.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::runs::{self, Kind};

/// Shorter words, in letters, are taken as they are: too many are one typo away from them.
pub const TYPO_LETTERS_MIN: usize = 5;

/// Longer ones, in letters, are taken as they are: what is one typo away from them is too much to look up.
const TYPO_LETTERS_MAX: usize = 20;

/// Alphabets, folded. A typo does not leave the alphabet of its word.
const ALPHABETS: [RangeInclusive<char>; 7] = [
    'a'..='z',
    'α'..='ω',
    'а'..='џ',
    'ա'..='ֆ',
    'א'..='ת',
    'ء'..='ي',
    'ა'..='ჰ',
];

/// Whether a text between two spaces is a word in which a typo would be forgiven: the folded word, then.
#[must_use]
pub fn can_be_typo(text: &str) -> Option<String> {
    let mut runs = runs::runs(text);
    let run = runs.pop().filter(|_| runs.is_empty())?;
    let [part] = &*run else {
        return None;
    };
    let letters = part.text.chars().count();
    let is_word =
        part.kind == Kind::Letters && (TYPO_LETTERS_MIN..=TYPO_LETTERS_MAX).contains(&letters);
    is_word.then(|| part.text.clone())
}

/// All words that a folded word may stand for when it has one typo: a letter too many, two letters the wrong way round, a wrong letter,
/// or one too few (Damerau). In order, and each once.
#[must_use]
pub fn one_typo_away(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let alphabet = ALPHABETS
        .iter()
        .find(|alphabet| letters.iter().all(|letter| alphabet.contains(letter)));
    let alphabet: Vec<char> = alphabet.cloned().into_iter().flatten().collect();
    let mut words = BTreeSet::new();
    for place in 0..=letters.len() {
        let (before, from) = letters.split_at_checked(place).unwrap_or_default();
        let mut add = |letters: &[char], rest: &[char]| {
            words.insert(before.iter().chain(letters).chain(rest).collect::<String>());
        };
        if let [letter, rest @ ..] = from {
            add(&[], rest);
            for other in &alphabet {
                add(&[*other], rest);
            }
            if let [next, rest @ ..] = rest {
                add(&[*next, *letter], rest);
            }
        }
        for other in &alphabet {
            add(&[*other], from);
        }
    }
    words.remove(word);
    words.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_five_letters_or_more_may_have_a_typo() {
        assert_eq!(can_be_typo("Éspresso,").as_deref(), Some("espresso"));
        for other in [
            "cups",
            "cup12",
            "t-shirt",
            "12345",
            "お茶碗茶碗",
            "two/words",
            "-",
        ] {
            assert_eq!(can_be_typo(other), None, "{other}");
        }
        assert_eq!(can_be_typo(&"x".repeat(TYPO_LETTERS_MAX + 1)), None);
    }

    #[test]
    fn each_kind_of_typo_leads_back_to_the_word() {
        for (typed, meant) in [
            ("espressso", "espresso"),
            ("epsresso", "espresso"),
            ("expresso", "espresso"),
            ("esprsso", "espresso"),
            ("spresso", "espresso"),
            ("espress", "espresso"),
            ("каффа", "кафка"),
            ("θαλασα", "θαλασσα"),
        ] {
            let words = one_typo_away(typed);
            assert!(words.iter().any(|word| word == meant), "{typed}");
            assert!(!words.iter().any(|word| word == typed), "{typed}");
        }
        for (typed, other) in [("expreso", "espresso"), ("esprseos", "espresso")] {
            let words = one_typo_away(typed);
            assert!(!words.iter().any(|word| word == other), "{typed}");
        }
    }

    #[test]
    fn the_words_are_few_enough_to_be_looked_up() {
        let longest = "щ".repeat(TYPO_LETTERS_MAX);
        assert!(one_typo_away(&longest).len() < 2_100);
        assert!(one_typo_away("espresso").len() < 500);
    }
}
