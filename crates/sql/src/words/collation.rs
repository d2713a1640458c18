//! The order of names: the root collation of Unicode, as CLDR tailors it, with numbers by their value.

use icu_collator::options::{CollatorOptions, Strength};
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::provider::{
    Baked, CollationDiacriticsV1, CollationJamoV1, CollationMetadataV1, CollationReorderingV1,
    CollationRootV1, CollationSpecialPrimariesV1, CollationTailoringV1,
};
use icu_collator::{Collator, CollatorPreferences};
use icu_normalizer::provider::{Baked as BakedForms, NormalizerNfdDataV1, NormalizerNfdTablesV1};
use icu_provider::prelude::*;

/// Longest key, in bytes. What names have in common beyond it makes them equal.
const SORT_KEY_BYTES_MAX: usize = 1_200;

/// Letters and digits in the order of their bytes: what they stand for is in the same order as they are.
const ALPHABET: [u8; 64] = *b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// The data of the root collation. Those of the languages are six times as large, and a list is for readers of any of them.
struct Root;

macro_rules! load_from {
    ($($data:ident: $($marker:ty),+;)+) => {$($(
        impl DataProvider<$marker> for Root {
            fn load(&self, request: DataRequest<'_>) -> Result<DataResponse<$marker>, DataError> {
                DataProvider::<$marker>::load(&$data, request)
            }
        }
    )+)+};
}

load_from! {
    Baked: CollationRootV1, CollationSpecialPrimariesV1, CollationDiacriticsV1, CollationJamoV1, CollationMetadataV1;
    BakedForms: NormalizerNfdDataV1, NormalizerNfdTablesV1;
}

macro_rules! load_nothing {
    ($($marker:ty),+) => {$(
        impl DataProvider<$marker> for Root {
            fn load(&self, request: DataRequest<'_>) -> Result<DataResponse<$marker>, DataError> {
                Err(DataErrorKind::IdentifierNotFound.with_req(<$marker>::INFO, request))
            }
        }
    )+};
}

load_nothing! { CollationTailoringV1, CollationReorderingV1 }

thread_local! {
    static COLLATOR: Option<Collator> = collator();
}

/// The data are there when this is compiled: a test asks for them.
fn collator() -> Option<Collator> {
    let mut preferences = CollatorPreferences::default();
    preferences.numeric_ordering = Some(CollationNumericOrdering::True);
    let mut options = CollatorOptions::default();
    options.strength = Some(Strength::Tertiary);
    Collator::try_new_unstable(&Root, preferences, options).ok()
}

/// What names are sorted by, byte for byte: letters and digits of ASCII, `-` and `_`.
#[must_use]
pub fn sort_key(name: &str) -> String {
    let mut key: Vec<u8> = Vec::new();
    COLLATOR.with(|collator| {
        if let Some(collator) = collator {
            let Ok(()) = collator.as_borrowed().write_sort_key_to(name, &mut key);
        }
    });
    key.truncate(SORT_KEY_BYTES_MAX);
    in_letters(&key)
}

/// Six bits to a letter, the highest first.
fn in_letters(bytes: &[u8]) -> String {
    let mut letters = String::with_capacity(bytes.len().saturating_mul(4).div_ceil(3));
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            let index = usize::try_from((bits >> (18 - 6 * place)) & 63).unwrap_or_default();
            letters.push(
                ALPHABET
                    .get(index)
                    .map_or('-', |letter| char::from(*letter)),
            );
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    #[test]
    fn names_are_in_the_order_of_readers() {
        let ordered = [
            "_under",
            "-",
            "\"Best\" tea",
            "1 cup",
            "2 cups",
            "10 cups",
            "10.5 cups",
            "Äpfel",
            "Apfelsaft",
            "Ärmel",
            "Banane",
            "banane gelb",
            "Ćevapi",
            "Côte",
            "Cup 9",
            "Cup 10",
            "Cup 100",
            "Cup 1000000000000000000000",
            "Łódź",
            "Øre",
            "Zebra",
            "ἀλφα",
            "Ёлка",
            "Жук",
            "שלום",
            "محمد",
            "ไทย",
            "한국",
            "かす",
            "ガス",
            "緑茶",
        ];
        let mut names = ordered;
        names.reverse();
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(names, ordered);
    }

    #[test]
    fn small_and_capital_letters_and_accents_decide_last() {
        assert!(sort_key("tea") < sort_key("Tea") && sort_key("Tea") < sort_key("téa"));
        assert!(sort_key("téa") < sort_key("teab"));
        assert_eq!(sort_key("e\u{301}"), sort_key("é"));
    }

    #[test]
    fn letters_are_in_the_order_of_what_they_stand_for() {
        let bytes: Vec<Vec<u8>> = (0..=255_u8)
            .flat_map(|byte| {
                [
                    vec![byte],
                    vec![byte, 0],
                    vec![byte, 0, 0, byte],
                    vec![7, byte],
                    vec![7, 7, byte],
                ]
            })
            .collect();
        for one in &bytes {
            for other in &bytes {
                let ordering: Ordering = in_letters(one).cmp(&in_letters(other));
                assert_eq!(ordering, one.cmp(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_key_is_short_enough_for_a_cursor() {
        let longest = "ﷺ".repeat(200);
        assert!(sort_key(&longest).len() <= 1_600);
        assert!(sort_key("Espresso cup").len() < 60);
    }
}
