//! Exact amounts of money.
//!
//! An amount is a whole number of 1/10,000 of the currency, never a float. In JSON it is a plain decimal number
//! (`12.5`), read from its digits so that nothing is rounded on the way. Only what a client's floating point arithmetic
//! has blurred (`0.30000000000000004`) is read as the decimal number that was meant.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

mod currency;
mod rate;

pub use currency::Currency;
pub use rate::Rate;

/// Units in one whole of the currency.
pub const UNITS_PER_WHOLE: i64 = 10_000;

/// Decimal places that an amount can have.
pub const MAX_DECIMALS: usize = 4;

/// Significant decimal digits that a 64-bit floating point number always carries (`DBL_DIG` of C).
const FAITHFUL_DIGITS: usize = 15;

/// Digits of the largest number of units.
const MAX_UNIT_DIGITS: usize = 19;

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
    #[error("must not be so large")]
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
    ///
    /// What has more than [`FAITHFUL_DIGITS`] significant digits and more decimals than an amount can have comes from
    /// a client that reckons in binary floating point: it is rounded to that many digits first, half to even, which
    /// gives back the decimal number that was meant (`0.30000000000000004` is `0.3`).
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let number = Decimal::parse(text)?;
        let units = match number.to_units() {
            Err(MoneyError::TooPrecise) if number.digits.len() > FAITHFUL_DIGITS => {
                number.rounded().to_units()?
            }
            exact => exact?,
        };
        let signed = if number.is_negative { -units } else { units };
        i64::try_from(signed)
            .map(Self)
            .map_err(|_| MoneyError::Overflow)
    }
}

/// A decimal number as it is written: its digits, as a whole number, times ten to the power of `exponent`.
struct Decimal {
    is_negative: bool,
    /// From 0 to 9 each, without zeros at either end; none at all for zero.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Result<Self, MoneyError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (is_negative, number) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let ends_in_point = number.contains('.') && fraction.is_empty();
        if whole.is_empty() || ends_in_point || !is_number(whole) || !is_number(fraction) {
            return Err(MoneyError::Malformed);
        }
        let decimals = i64::try_from(fraction.len()).map_err(|_| MoneyError::Overflow)?;
        let digits = whole
            .bytes()
            .chain(fraction.bytes())
            .map(|byte| byte - b'0');
        let number = Self {
            is_negative,
            digits: digits.skip_while(|digit| *digit == 0).collect(),
            exponent: exponent.saturating_sub(decimals),
        };
        Ok(number.without_trailing_zeros())
    }

    fn without_trailing_zeros(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent = self.exponent.saturating_add(1);
        }
        self
    }

    /// The number rounded to [`FAITHFUL_DIGITS`] significant digits, half to even.
    fn rounded(&self) -> Self {
        let (kept, dropped) = self
            .digits
            .split_at_checked(FAITHFUL_DIGITS)
            .unwrap_or((&self.digits, &[]));
        let is_odd = kept.last().is_some_and(|digit| digit % 2 == 1);
        // Zeros at the end are not kept, so a further digit after a five makes it more than a half.
        let goes_up = match dropped {
            [5] => is_odd,
            [first, ..] => *first >= 5,
            [] => false,
        };
        let mut digits = kept.to_vec();
        if goes_up && !increment(&mut digits) {
            digits.insert(0, 1);
        }
        let dropped = i64::try_from(dropped.len()).unwrap_or(i64::MAX);
        Self {
            is_negative: self.is_negative,
            digits,
            exponent: self.exponent.saturating_add(dropped),
        }
        .without_trailing_zeros()
    }

    /// The absolute value in units of 1/10,000, exactly.
    fn to_units(&self) -> Result<i128, MoneyError> {
        if self.digits.is_empty() {
            return Ok(0);
        }
        let scale = self.exponent.saturating_add(MAX_DECIMALS as i64);
        if scale < 0 {
            return Err(MoneyError::TooPrecise);
        }
        let zeros = usize::try_from(scale).unwrap_or(usize::MAX);
        if self.digits.len().saturating_add(zeros) > MAX_UNIT_DIGITS {
            return Err(MoneyError::Overflow);
        }
        let zeros = std::iter::repeat_n(&0, zeros);
        Ok(self
            .digits
            .iter()
            .chain(zeros)
            .fold(0, |units, digit| units * 10 + i128::from(*digit)))
    }
}

/// Adds one to the number that the digits are; `false` when it needs a further digit in front, all others being zero.
fn increment(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return true;
        }
        *digit = 0;
    }
    false
}

/// An exponent, as far as it matters: one beyond 64 bits makes every number too large or too precise.
fn parse_exponent(text: &str) -> Result<i64, MoneyError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MoneyError::Malformed);
    }
    let beyond = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Ok(text.parse().unwrap_or(beyond))
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
    use proptest::prelude::*;

    use super::*;

    /// Up to a thousand million whole, the largest price.
    const LARGEST_UNITS: i64 = 10_000_000_000_000;

    proptest! {
        #[test]
        fn a_floating_point_number_is_read_as_the_nearest_amount(
            units in -LARGEST_UNITS..=LARGEST_UNITS,
            digits in 15_usize..40,
        ) {
            #[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
            let float = units as f64 / UNITS_PER_WHOLE as f64;
            let amount = Ok(Money::from_units(units));
            // The shortest form, as JavaScript and Python print it; with an exponent; and digits nobody asked for.
            prop_assert_eq!(format!("{float}").parse(), amount);
            prop_assert_eq!(format!("{float:e}").parse(), amount);
            prop_assert_eq!(format!("{float:.0$e}", digits - 1).parse(), amount);
            prop_assert_eq!(serde_json::from_str(&serde_json::to_string(&float).unwrap()).ok(), amount.ok());
        }

        #[test]
        fn a_sum_of_floating_point_prices_is_read_as_meant(
            a in 0..LARGEST_UNITS / 10_000,
            b in 0..LARGEST_UNITS / 10_000,
        ) {
            #[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
            let float = a as f64 / UNITS_PER_WHOLE as f64 + b as f64 / UNITS_PER_WHOLE as f64;
            prop_assert_eq!(float.to_string().parse(), Ok(Money::from_units(a + b)));
        }

        #[test]
        fn every_amount_is_printed_so_that_it_reads_back(units in any::<i64>()) {
            let amount = Money::from_units(units);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }

        #[test]
        fn a_decimal_number_of_up_to_fifteen_digits_is_exact_or_refused(
            digits in 0_i64..1_000_000_000_000_000,
            decimals in 0_usize..15,
        ) {
            let scale = 10_i64.pow(u32::try_from(decimals).unwrap());
            let text = format!("{}.{:0decimals$}", digits / scale, digits % scale);
            let text = if decimals == 0 { digits.to_string() } else { text };
            let exact = i128::from(digits) * i128::from(UNITS_PER_WHOLE);
            let expected = if exact % i128::from(scale) == 0 {
                i64::try_from(exact / i128::from(scale)).map(Money::from_units).map_err(|_| MoneyError::Overflow)
            } else {
                Err(MoneyError::TooPrecise)
            };
            prop_assert_eq!(text.parse(), expected);
        }

        #[test]
        fn no_text_makes_the_reader_fail_otherwise_than_by_refusing(
            text in "\\PC{0,40}|-?[0-9]{0,40}\\.?[0-9]{0,40}([eE][+-]?[0-9]{0,25})?",
        ) {
            let _ = text.parse::<Money>();
        }

        #[test]
        fn what_64_bits_cannot_hold_is_refused(whole in 922_337_203_685_478_i128..i128::MAX) {
            prop_assert_eq!(whole.to_string().parse::<Money>(), Err(MoneyError::Overflow));
        }
    }

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
            ("0.30000000000000000000000000000000", 3_000, "0.3"),
            ("0e999999999999999999999", 0, "0"),
            ("-0.0", 0, "0"),
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
            ("1e+", MoneyError::Malformed),
            ("1e5.0", MoneyError::Malformed),
            ("0.00001", MoneyError::TooPrecise),
            ("1.23456", MoneyError::TooPrecise),
            ("1e-31", MoneyError::TooPrecise),
            ("1e-99999999999999999999", MoneyError::TooPrecise),
            ("1e99999999999999999999", MoneyError::Overflow),
            ("922337203685477.5808", MoneyError::Overflow),
            ("1e30", MoneyError::Overflow),
            ("1e999999999", MoneyError::Overflow),
            ("1000000000000000000000000000000", MoneyError::Overflow),
        ] {
            assert_eq!(text.parse::<Money>(), Err(error), "{text}");
        }
    }

    #[test]
    fn what_floating_point_has_blurred_is_read_as_it_was_meant() {
        for (text, units) in [
            ("0.30000000000000004", 3_000),
            ("0.00030000000000000003", 3),
            ("3.0000000000000003e-4", 3),
            ("0.29999999999999999", 3_000),
            ("-19.989999999999998", -199_900),
            (
                "0.1000000000000000055511151231257827021181583404541015625",
                1_000,
            ),
            ("999999999.99989998", 9_999_999_999_999),
            ("0.99999999999999999", 10_000),
            ("9.9999999999999999e8", 10_000_000_000_000),
        ] {
            assert_eq!(money(text).units(), units, "{text}");
        }
    }

    #[test]
    fn digits_that_were_meant_are_never_rounded_away() {
        for text in [
            "1.23456",
            "0.00001",
            "0.300000000000001",
            "0.30001000000000004",
            "1.23455000000000013",
            "1e-17",
        ] {
            assert_eq!(text.parse::<Money>(), Err(MoneyError::TooPrecise), "{text}");
        }
        // Written out with at most four decimals, an amount is exact however many digits it has.
        assert_eq!(money("123456789012.3456").units(), 1_234_567_890_123_456);
        assert_eq!(
            money("12345678901234.5678").units(),
            123_456_789_012_345_678
        );
    }

    #[test]
    fn the_sixteenth_digit_is_rounded_half_to_even() {
        for (text, rounded) in [
            ("12345678901.23455", "12345678901.2346"),
            ("12345678901.23445", "12345678901.2344"),
            ("12345678901.234450000001", "12345678901.2345"),
            ("99999999999.99995", "100000000000"),
        ] {
            assert_eq!(money(text), money(rounded), "{text}");
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
