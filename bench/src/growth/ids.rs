//! Identifiers that look random and are made from a number: the same number gives the same ones in every database.

/// Of a UUID of version 7, the last 40 bits make the number of an order, which no other order may have.
const NUMBER_BITS: u64 = 40;

/// Crockford's base 32, in which the shop writes the numbers of orders.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SYMBOL_BITS: u64 = 5;

/// An odd number, so that multiplying by it gives each number another one.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads a number over 64 bits (splitmix64, <https://prng.di.unimi.it/splitmix64.c>).
pub const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(SPREAD);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A text as a number, for telling one kind of identifier from another.
pub fn salt(text: &str) -> u64 {
    text.bytes()
        .fold(0, |salt, byte| mixed(salt ^ u64::from(byte)))
}

/// A UUID of version 7 of that time, in milliseconds since the Unix epoch. Two numbers of one salt give two UUIDs that
/// differ in their last 40 bits.
pub fn uuid(ms: u64, number: u64, salt: u64) -> String {
    let random = mixed(number ^ salt);
    let last = number.wrapping_mul(SPREAD).wrapping_add(mixed(salt)) & ((1 << NUMBER_BITS) - 1);
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:02x}{last:010x}",
        (ms >> 16) & 0xffff_ffff,
        ms & 0xffff,
        random & 0xfff,
        0x8000 | (random >> 12) & 0x3fff,
        (random >> 26) & 0xff,
    )
}

/// The time in a UUID of version 7, in milliseconds since the Unix epoch.
pub fn milliseconds(uuid: &str) -> Option<u64> {
    let digits: String = uuid
        .chars()
        .filter(|digit| *digit != '-')
        .take(12)
        .collect();
    let is_timed = uuid.as_bytes().get(14) == Some(&b'7');
    u64::from_str_radix(&digits, 16).ok().filter(|_| is_timed)
}

/// The number of the order that has this identifier.
pub fn order_number(uuid: &str) -> Option<String> {
    let bits = u64::from_str_radix(uuid.get(uuid.len().checked_sub(10)?..)?, 16).ok()?;
    let mut number = "M-".to_owned();
    for place in (0..NUMBER_BITS / SYMBOL_BITS).rev() {
        let value = usize::try_from(bits >> (SYMBOL_BITS * place) & 31).ok()?;
        number.push(char::from(*SYMBOLS.get(value)?));
        if place == 4 {
            number.push('-');
        }
    }
    Some(number)
}

/// So many hexadecimal digits.
pub fn hexadecimal(digits: usize, number: u64, salt: u64) -> String {
    let mut text = String::with_capacity(digits + 16);
    let mut state = mixed(salt) ^ number;
    while text.len() < digits {
        state = mixed(state);
        text += &format!("{state:016x}");
    }
    text.truncate(digits);
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn identifiers_have_their_time_and_differ_at_their_ends() {
        let ids: Vec<_> = (0..10_000)
            .map(|number| uuid(1_753_000_000_000, number, 7))
            .collect();
        let ends: BTreeSet<_> = ids.iter().map(|id| id[26..].to_owned()).collect();
        assert_eq!(ends.len(), ids.len());
        for id in &ids {
            assert_eq!((id.len(), milliseconds(id)), (36, Some(1_753_000_000_000)));
        }
        assert_ne!(ids[3], uuid(1_753_000_000_000, 3, 8));
        assert_eq!(milliseconds("01985a00-1c00-4000-8000-000000000000"), None);
    }

    #[test]
    fn numbers_of_orders_are_those_of_the_shop() {
        let number = |end: &str| order_number(&format!("01939f6e-8a00-7000-8000-00{end}"));
        assert_eq!(number("0000000000").as_deref(), Some("M-0000-0000"));
        assert_eq!(number("ffffffffff").as_deref(), Some("M-ZZZZ-ZZZZ"));
        assert_eq!(number("0000000021").as_deref(), Some("M-0000-0011"));
        assert_eq!(order_number("x"), None);
    }

    #[test]
    fn digits_are_as_many_as_were_asked_for() {
        assert_eq!(hexadecimal(64, 1, 2).len(), 64);
        assert_eq!(hexadecimal(5, 1, 2).len(), 5);
        assert_ne!(hexadecimal(32, 1, 2), hexadecimal(32, 2, 2));
    }
}
