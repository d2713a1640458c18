//! Exact amounts of money.
//!
//! An amount is a whole number of 1/10,000 of the currency, never a float. In JSON it is a plain decimal number
//! (`12.5`), read from its digits so that nothing is rounded on the way.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

mod currency;

pub use currency::Currency;

/// Units in one whole of the currency.
pub const UNITS_PER_WHOLE: i64 = 10_000;

/// Decimal places that an amount can have.
pub const MAX_DECIMALS: usize = 4;

/// Digits an amount may be written with; more cannot be a sum of money.
const MAX_DIGITS: usize = 24;

/// Why something is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a plain decimal number such as `12.50`.
    #[error("must be a decimal number such as 12.50")]
    Malformed,
    /// More than [`MAX_DECIMALS`] decimal places.
    #[error("must not have more than 4 decimal places")]
    TooPrecise,
    /// Beyond what 64 bits hold.
    #[error("the amount is too large")]
    Overflow,
    /// Not the three capital letters of a currency code (ISO 4217).
    #[error("a currency is three capital letters, as in USD (ISO 4217)")]
    UnknownCurrency,
}

/// An amount of money in units of 1/10,000 of its currency; may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount of so many units of 1/10,000.
    #[must_use]
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// The amount in units of 1/10,000.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// Sum of two amounts.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.0
            .checked_add(other.0)
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    /// Difference of two amounts.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.0
            .checked_sub(other.0)
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn checked_mul(self, quantity: u32) -> Result<Self, MoneyError> {
        self.0
            .checked_mul(i64::from(quantity))
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    /// The amount in whole minor units of the currency, rounded half to even (IEEE 754 section 4.3.1).
    #[must_use]
    pub fn to_minor(self, currency: Currency) -> i64 {
        let divisor = currency.units_per_minor();
        let (quotient, remainder) = (self.0.div_euclid(divisor), self.0.rem_euclid(divisor));
        let doubled = remainder * 2;
        if doubled > divisor || (doubled == divisor && quotient % 2 != 0) {
            quotient + 1
        } else {
            quotient
        }
    }

    /// The amount of so many whole minor units.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        minor
            .checked_mul(currency.units_per_minor())
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    /// The amount in minor units, if it is a whole number of them.
    #[must_use]
    pub fn to_minor_exact(self, currency: Currency) -> Option<i64> {
        let divisor = currency.units_per_minor();
        (self.0 % divisor == 0).then(|| self.0 / divisor)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads `-12.3400`, and the exponent form that some JSON writers use (`1.2e1`).
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let ends_in_point = digits.contains('.') && fraction.is_empty();
        if whole.is_empty() || ends_in_point || !is_number(whole) || !is_number(fraction) {
            return Err(MoneyError::Malformed);
        }
        if digits.len() > MAX_DIGITS {
            return Err(MoneyError::Overflow);
        }
        let significant: i128 = format!("{whole}{fraction}")
            .parse()
            .map_err(|_| MoneyError::Overflow)?;
        let scale = exponent - i32::try_from(fraction.len()).map_err(|_| MoneyError::Overflow)? + 4;
        let units = shift(significant, scale)?;
        let signed = if negative { -units } else { units };
        i64::try_from(signed)
            .map(Self)
            .map_err(|_| MoneyError::Overflow)
    }
}

fn parse_exponent(text: &str) -> Result<i32, MoneyError> {
    let exponent: i32 = text.parse().map_err(|_| MoneyError::Malformed)?;
    if exponent.abs() > 30 {
        Err(MoneyError::Overflow)
    } else {
        Ok(exponent)
    }
}

/// `value` times ten to the power of `scale`, exactly.
fn shift(value: i128, scale: i32) -> Result<i128, MoneyError> {
    let mut value = value;
    for _ in 0..scale.max(0) {
        value = value.checked_mul(10).ok_or(MoneyError::Overflow)?;
    }
    for _ in 0..(-scale).max(0) {
        if value % 10 != 0 {
            return Err(MoneyError::TooPrecise);
        }
        value /= 10;
    }
    Ok(value)
}

impl fmt::Display for Money {
    /// The shortest exact decimal: `12`, `12.5`, `-0.0001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let per_whole = UNITS_PER_WHOLE.unsigned_abs();
        let (whole, fraction) = (units / per_whole, units % per_whole);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{fraction:04}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string())
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    /// Only from JSON text: the digits are read as they stand.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        raw.get().parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn decimals_are_read_exactly_and_printed_shortest() {
        for (text, units, printed) in [
            ("0", 0, "0"),
            ("12", 120_000, "12"),
            ("12.5", 125_000, "12.5"),
            ("12.50000000", 125_000, "12.5"),
            ("-0.0001", -1, "-0.0001"),
            ("0.1", 1_000, "0.1"),
            ("1000000000", 10_000_000_000_000, "1000000000"),
            ("1.25e1", 125_000, "12.5"),
            ("125E-1", 125_000, "12.5"),
            ("922337203685477.5807", i64::MAX, "922337203685477.5807"),
            ("-922337203685477.5808", i64::MIN, "-922337203685477.5808"),
        ] {
            assert_eq!(money(text).units(), units, "{text}");
            assert_eq!(money(text).to_string(), printed);
        }
    }

    #[test]
    fn what_is_not_an_exact_amount_is_refused() {
        for (text, error) in [
            ("", MoneyError::Malformed),
            ("-", MoneyError::Malformed),
            (".5", MoneyError::Malformed),
            ("5.", MoneyError::Malformed),
            ("1,5", MoneyError::Malformed),
            ("+1", MoneyError::Malformed),
            ("NaN", MoneyError::Malformed),
            ("1e", MoneyError::Malformed),
            ("\"1\"", MoneyError::Malformed),
            ("0.00001", MoneyError::TooPrecise),
            ("922337203685477.5808", MoneyError::Overflow),
            ("1e30", MoneyError::Overflow),
            ("1e999999999", MoneyError::Overflow),
            ("1000000000000000000000000000000", MoneyError::Overflow),
        ] {
            assert_eq!(text.parse::<Money>(), Err(error), "{text}");
        }
    }

    #[test]
    fn json_numbers_keep_every_digit() {
        let amount: Money = serde_json::from_str("0.3").unwrap();
        assert_eq!(amount.units(), 3_000);
        assert_eq!(serde_json::to_string(&amount).unwrap(), "0.3");
        assert!(serde_json::from_str::<Money>("\"0.3\"").is_err());
        assert!(serde_json::from_str::<Money>("0.30001").is_err());
    }

    #[test]
    fn rounding_to_minor_units_is_half_even() {
        let dollar: Currency = "USD".parse().unwrap();
        for (text, cents) in [
            ("0.005", 0),
            ("0.015", 2),
            ("0.025", 2),
            ("0.0251", 3),
            ("19.99", 1999),
            ("-0.005", 0),
            ("-0.015", -2),
        ] {
            assert_eq!(money(text).to_minor(dollar), cents, "{text}");
        }
        let yen: Currency = "JPY".parse().unwrap();
        assert_eq!(money("1.5").to_minor(yen), 2);
        assert_eq!(money("2.5").to_minor(yen), 2);
        let dinar: Currency = "KWD".parse().unwrap();
        assert_eq!(money("1.2345").to_minor(dinar), 1234);
        assert_eq!(Money::from_minor(1234, dinar).unwrap(), money("1.234"));
    }

    #[test]
    fn exact_minor_units_refuse_fractions() {
        let dollar: Currency = "USD".parse().unwrap();
        assert_eq!(money("1.25").to_minor_exact(dollar), Some(125));
        assert_eq!(money("1.255").to_minor_exact(dollar), None);
    }

    #[test]
    fn arithmetic_does_not_wrap() {
        assert_eq!(
            Money::from_units(i64::MAX).checked_add(Money::from_units(1)),
            Err(MoneyError::Overflow)
        );
        assert_eq!(
            Money::from_units(i64::MIN).checked_sub(Money::from_units(1)),
            Err(MoneyError::Overflow)
        );
        assert_eq!(
            Money::from_units(i64::MAX).checked_mul(2),
            Err(MoneyError::Overflow)
        );
        assert_eq!(money("2.5").checked_mul(3).unwrap(), money("7.5"));
    }
}
