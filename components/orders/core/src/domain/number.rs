use std::fmt;

use mercato_kernel::{FromText, OrderId, Refusal};
use serde::Serialize;

/// Crockford's base 32: no I, L, O and U, so that no two symbols look alike or make words
/// (<https://www.crockford.com/base32.html>).
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Symbols of a number, without what stands before them. They say 40 bits.
const SYMBOLS_COUNT: usize = 8;

/// Symbols before the second dash.
const FIRST_PART: usize = 4;

/// Bits of a symbol.
const SYMBOL_BITS: usize = 5;

/// What every number begins with.
const MARK: char = 'M';

/// Longest text that is read as a number, in characters.
const TEXT_MAX_CHARS: usize = 32;

/// The text is not the number of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an order number such as M-7K3F-29QD")]
pub struct NotANumber;

/// What people call an order by, as in `M-7K3F-29QD`: unique, and random, so that nobody can tell from it how many orders there
/// are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct OrderNumber(String);

impl OrderNumber {
    /// The number made of the last 40 bits of an identifier, which are random in UUIDs of version 7.
    #[must_use]
    pub fn of_id(id: OrderId) -> Self {
        let bits = mercato_kernel::Uuid::from(id).as_u128();
        let symbol = |place: usize| {
            let value = bits >> (SYMBOL_BITS * (SYMBOLS_COUNT - 1 - place)) & 31;
            let value = usize::try_from(value).unwrap_or_default();
            char::from(SYMBOLS.get(value).copied().unwrap_or_default())
        };
        Self::of_symbols((0..SYMBOLS_COUNT).map(symbol))
    }

    /// Reads a number as people write it: in capital or small letters, with or without dashes, blanks and the first letter, and with
    /// the letters O, I and L in the place of the digits that they look like.
    ///
    /// # Errors
    /// For everything else.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        if text.chars().nth(TEXT_MAX_CHARS).is_some() {
            return Err(NotANumber);
        }
        let written: Vec<char> = text
            .chars()
            .filter(|character| !is_separator(*character))
            .map(|character| character.to_ascii_uppercase())
            .collect();
        let symbols = match written.as_slice() {
            [first, rest @ ..]
                if *first == MARK && (rest.len() == SYMBOLS_COUNT || is_marked(text)) =>
            {
                rest
            }
            all => all,
        };
        let symbols: Option<Vec<char>> = symbols.iter().map(|letter| symbol_of(*letter)).collect();
        symbols
            .filter(|symbols| symbols.len() == SYMBOLS_COUNT)
            .map(|symbols| Self::of_symbols(symbols.into_iter()))
            .ok_or(NotANumber)
    }

    fn of_symbols(symbols: impl Iterator<Item = char>) -> Self {
        let mut text = format!("{MARK}-");
        for (place, symbol) in symbols.enumerate() {
            if place == FIRST_PART {
                text.push('-');
            }
            text.push(symbol);
        }
        Self(text)
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromText for OrderNumber {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        Self::parse(text).map_err(|error| ("format", error.to_string().into()))
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the first letter stands apart from the rest. Where it does not it may be the first symbol.
fn is_marked(text: &str) -> bool {
    text.trim_start().chars().nth(1).is_some_and(is_separator)
}

/// Blanks, and dashes of any length.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '\u{2010}'..='\u{2015}')
}

/// The symbol that a letter stands for.
fn symbol_of(letter: char) -> Option<char> {
    let meant = match letter {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let is_symbol = |symbol: &u8| char::from(*symbol) == meant;
    SYMBOLS.iter().any(is_symbol).then_some(meant)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(id: &str) -> String {
        OrderNumber::of_id(OrderId::parse(id).unwrap()).to_string()
    }

    #[test]
    fn a_number_is_the_last_forty_bits_of_an_id() {
        assert_eq!(
            number("01890a5d-ac96-774b-bcce-b30000000000"),
            "M-0000-0000"
        );
        assert_eq!(
            number("01890a5d-ac96-774b-bcce-b3ffffffffff"),
            "M-ZZZZ-ZZZZ"
        );
        assert_eq!(
            number("01890a5d-ac96-774b-bcce-b302099a8057"),
            "M-084S-N02Q"
        );
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        for text in [
            "M-1849-K02Q",
            "m-1849-k02q",
            "m1849k02q",
            "1849K02Q",
            " 1849 k02q ",
            "M\u{2013}1849\u{2013}K02Q",
            "M-L849-KO2Q",
            "i849ko2q",
        ] {
            assert_eq!(
                OrderNumber::parse(text).unwrap().as_str(),
                "M-1849-K02Q",
                "{text}"
            );
        }
        // Without its mark a number may begin with the same letter.
        assert_eq!(
            OrderNumber::parse("M849K02Q").unwrap().as_str(),
            "M-M849-K02Q"
        );
        for text in [
            "",
            "M",
            "M-1849-K02",
            "M-1849-K02QQ",
            "N-1849-K02Q",
            "M-1849-K02U",
            "M-1849-K0\u{301}Q",
            "M-1849-K02\u{ff31}",
            "%",
            &"-".repeat(33),
        ] {
            assert!(OrderNumber::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_id_has_a_number_that_is_read_again(bits in any::<u64>()) {
            let low = bits & 0xffff_ffff_ffff;
            let id = format!("01890a5d-ac96-774b-bcce-{low:012x}");
            let number = OrderNumber::of_id(OrderId::parse(&id).unwrap());
            prop_assert_eq!(number.as_str().len(), 11);
            prop_assert_eq!(OrderNumber::parse(number.as_str()), Ok(number.clone()));
            let bare = number.as_str().replace('-', "").to_lowercase();
            prop_assert_eq!(OrderNumber::parse(&bare), Ok(number));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = OrderNumber::parse(&text);
        }
    }
}
