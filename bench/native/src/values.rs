//! Money, times and ids, as JSON has them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The currency of everything.
pub const CURRENCY: &str = "USD";

/// Units in 1 of the currency.
const UNITS: i64 = 10_000;

/// Decimal places of these units.
const PLACES: usize = 4;

/// An amount in units of 1/10,000; a number in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money(pub i64);

impl Money {
    /// Reads a decimal number that is not negative, with four places at most.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, places) = text.split_once('.').unwrap_or((text, ""));
        if places.len() > PLACES
            || !(whole.bytes().chain(places.bytes())).all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let places: i64 = format!("{places:0<PLACES$}").parse().ok()?;
        Some(Self(whole.checked_mul(UNITS)?.checked_add(places)?))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % UNITS == 0 {
            serializer.serialize_i64(self.0 / UNITS)
        } else {
            serializer.serialize_f64(self.0 as f64 / UNITS as f64)
        }
    }
}

/// A time in milliseconds since the Unix epoch; RFC 3339 in JSON.
#[derive(Debug, Clone, Copy)]
pub struct Time(pub i64);

impl Time {
    /// The time of the clock.
    pub fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(i64::try_from(elapsed.unwrap_or_default().as_millis()).unwrap_or(i64::MAX))
    }

    /// So many seconds later.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + 1_000 * seconds)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = UNIX_EPOCH + Duration::from_millis(self.0.try_into().unwrap_or_default());
        serializer.collect_str(&humantime::format_rfc3339_millis(time))
    }
}

/// A new id, in the order of time.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_exactly() {
        for (text, units, json) in [
            ("12.5", 125_000, "12.5"),
            ("25", 250_000, "25"),
            ("0.0001", 1, "0.0001"),
        ] {
            assert_eq!(Money::parse(text), Some(Money(units)));
            assert_eq!(serde_json::to_string(&Money(units)).unwrap(), json);
        }
        for text in ["-1", "1.00001", "", "1e3", "a"] {
            assert_eq!(Money::parse(text), None, "{text}");
        }
    }
}
