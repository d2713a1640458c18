//! Parts of a whole: tax rates and percentages of discounts.

use crate::Money;

/// A percentage from 0 to 100 with at most four decimal places, in ten-thousandths of a percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u32);

impl Rate {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Units in the whole: 100 %.
    pub const WHOLE: u32 = 1_000_000;

    /// So many ten-thousandths of a percent; none when they are more than the whole.
    #[must_use]
    pub const fn from_units(units: u32) -> Option<Self> {
        if units > Self::WHOLE {
            None
        } else {
            Some(Self(units))
        }
    }

    /// Ten-thousandths of a percent.
    #[must_use]
    pub const fn units(self) -> u32 {
        self.0
    }

    /// The percentage that a decimal number says; none below 0 and above 100.
    #[must_use]
    pub fn from_percent(percent: Money) -> Option<Self> {
        // A decimal number has as many places here as there.
        u32::try_from(percent.units())
            .ok()
            .and_then(Self::from_units)
    }

    /// The percentage as a decimal number.
    #[must_use]
    pub fn percent(self) -> Money {
        Money::from_units(i64::from(self.0))
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_0_to_100_percent_with_four_places() {
        let rate = |text: &str| Rate::from_percent(text.parse().unwrap());
        assert_eq!(rate("20").unwrap().units(), 200_000);
        assert_eq!(rate("8.875").unwrap().percent().to_string(), "8.875");
        assert_eq!(rate("100").unwrap().units(), Rate::WHOLE);
        assert!(rate("0").unwrap().is_zero());
        assert_eq!(rate("100.0001").or(rate("-1")), None);
    }
}
