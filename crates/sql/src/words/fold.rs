//! What letters have in common for a reader: the same letter with or without accents and marks, large or small, wide or narrow.

use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, Script};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Letters that no decomposition of Unicode takes apart, and what stands for them where a keyboard has none: as the transliteration
/// `Latin-ASCII` of CLDR has it.
const LATIN: [(char, &str); 9] = [
    ('ß', "ss"),
    ('æ', "ae"),
    ('ð', "d"),
    ('ø', "o"),
    ('þ', "th"),
    ('đ', "d"),
    ('ħ', "h"),
    ('ł', "l"),
    ('œ', "oe"),
];

/// The stroke that lengthens a word of Arabic and belongs to none of its letters.
const TATWEEL: char = '\u{640}';

/// Katakana, the first and the last letter that Hiragana has too, and how far these stand before.
const KATAKANA: std::ops::RangeInclusive<char> = '\u{30a1}'..='\u{30f6}';
const BEFORE_KATAKANA: u32 = 0x60;

/// What is typed for an apostrophe and taken apart into a space and an accent.
const ACUTE: char = '\u{b4}';

/// The text as readers compare it: compatibility forms taken apart, without marks and what is ignorable, in small letters, digits of
/// all scripts as those of ASCII; syllables of Hangul are put together again. Folded again, it is the same.
pub fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    let text = text.replace(ACUTE, "'");
    let decompose = DecomposingNormalizerBorrowed::new_nfkd();
    let mut folded = String::with_capacity(text.len());
    for character in decompose.normalize(&text).chars() {
        fold(character, &mut folded);
    }
    let compose = ComposingNormalizerBorrowed::new_nfc();
    Cow::Owned(compose.normalize(&folded).into_owned())
}

/// Adds what becomes of a character that nothing takes apart.
fn fold(character: char, folded: &mut String) {
    if character.is_ascii() {
        folded.push(character.to_ascii_lowercase());
        return;
    }
    let categories = CodePointMapData::<GeneralCategory>::new();
    match categories.get(character) {
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => {}
        _ if character == TATWEEL => {}
        _ if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character) => {}
        GeneralCategory::DecimalNumber => folded.push(digit(character)),
        _ if KATAKANA.contains(&character) => folded.extend(hiragana(character)),
        _ => fold_case(character, folded),
    }
}

/// The digit of ASCII of the same value. Every script has its ten digits in a row, which begins at a code point whose last hexadecimal
/// digit is 0 or 6.
fn digit(character: char) -> char {
    let code = u32::from(character);
    let row = code & !0xf;
    let begins_at_0 =
        CodePointMapData::<GeneralCategory>::new().get32(row) == GeneralCategory::DecimalNumber;
    let value = (code - row).checked_sub(if begins_at_0 { 0 } else { 6 });
    value
        .and_then(|value| char::from_digit(value, 10))
        .unwrap_or(character)
}

fn hiragana(katakana: char) -> Option<char> {
    char::from_u32(u32::from(katakana) - BEFORE_KATAKANA)
}

/// Full case folding: small letters of the capitals of the small letters, for `ẞ` is a capital of `ß`, whose own are two letters. What
/// that brings of marks goes.
fn fold_case(character: char, folded: &mut String) {
    let small = character.to_lowercase().flat_map(char::to_uppercase);
    for letter in small.flat_map(char::to_lowercase) {
        let category = CodePointMapData::<GeneralCategory>::new().get(letter);
        match LATIN.iter().find(|(known, _)| *known == letter) {
            Some((_, stands_for)) => folded.push_str(stands_for),
            None if category == GeneralCategory::NonspacingMark => {}
            None => folded.push(letter),
        }
    }
}

/// Whether a letter is of a script that sets no spaces between words, or runs several together, so that people look for parts of what
/// stands between two spaces.
pub fn is_dense(letter: char) -> bool {
    /// The mark that lengthens a vowel, which Hiragana and Katakana share.
    const PROLONGED: char = '\u{30fc}';
    if letter.is_ascii() {
        return false;
    }
    let script = CodePointMapData::<Script>::new().get(letter);
    letter == PROLONGED
        || [
            Script::Han,
            Script::Hiragana,
            Script::Katakana,
            Script::Hangul,
            Script::Bopomofo,
            Script::Yi,
            Script::Thai,
            Script::Lao,
            Script::Khmer,
            Script::Myanmar,
        ]
        .contains(&script)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `folding.py` beside it with Python's own tables of Unicode: what characters fold to, one on each line.
    const FOLDING_OF_PYTHON: &str = include_str!("tests/folding.txt");

    fn characters(codes: &str) -> String {
        let character = |code| char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
        codes.split_whitespace().map(character).collect()
    }

    #[test]
    fn readers_see_the_same_letters() {
        for (text, same) in [
            ("Grüner TEE", "gruner tee"),
            ("Ёлка", "елка"),
            ("Straße STRASSE", "strasse strasse"),
            ("ẞ ﬁ Ǆ ŉ ſ K Å", "ss fi dz ʼn s k a"),
            (
                "Øre ŁÓDŹ Đặng Ægir œuvre Ħal Þór",
                "ore lodz dang aegir oeuvre hal thor",
            ),
            ("Ｆｕｌｌ １２３", "full 123"),
            ("ｶﾞｽ ガス がす", "かす かす かす"),
            ("한국어 ㎏ ① ½", "한국어 kg 1 1⁄2"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد مـحـمـد أحمد", "محمد محمد احمد"),
            ("٢٥٠ २५० ๒๕๐", "250 250 250"),
            ("İstanbul ISIK ışık", "istanbul isik isik"),
            ("co\u{ad}op\u{200d}e\u{301}", "coope"),
        ] {
            assert_eq!(folded(text), same, "{text}");
        }
    }

    #[test]
    fn every_character_folds_as_unicode_says() {
        let mut tested = 0;
        for line in FOLDING_OF_PYTHON
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            let (from, to) = line.split_once('>').unwrap();
            let (from, to) = (characters(from), characters(to));
            // Unicode has taken some marks for spacing ones since Python's version of it.
            let categories = CodePointMapData::<GeneralCategory>::new();
            let is_spacing = |mark: char| categories.get(mark) == GeneralCategory::SpacingMark;
            if from == ACUTE.to_string() || (to.is_empty() && from.chars().all(is_spacing)) {
                continue;
            }
            // What letters have in common beyond Unicode's folding is for both sides.
            assert_eq!(folded(&from), folded(&to), "{line}");
            tested += 1;
        }
        assert!(tested > 9_000, "{tested}");
    }

    #[test]
    fn what_folds_to_different_letters_stays_different() {
        let distinct = "abcdefghijklmnopqrstuvwxyzαβγδεζηθικλμνξοπρστυφχψωабвгдежзиклмнопрстуфхцчшщъыьэюяאבגדהוזחטיכלמנסעפצקרשתابتثجحخدذرزسشصضطظعغفقكلمنهوي茶お한";
        let folded = folded(distinct);
        assert_eq!(folded, distinct);
    }

    #[test]
    fn folded_text_stays_as_it_is() {
        const PLANES_WITH_LETTERS: u32 = 0x3_2000;
        let all = (1..PLANES_WITH_LETTERS).chain(0xe_0000..0xe_0200);
        for character in all.filter_map(char::from_u32) {
            let once = folded(character.encode_utf8(&mut [0; 4])).into_owned();
            assert_eq!(folded(&once), once, "{character:?}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_known() {
        for dense in "茶々おーカ한ไທខ".chars() {
            assert!(is_dense(dense), "{dense}");
        }
        for other in "aβжשعहა1".chars() {
            assert!(!is_dense(other), "{other}");
        }
    }
}
