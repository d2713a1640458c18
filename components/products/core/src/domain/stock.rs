//! The units of one product: free, held for orders, sold.

/// Most units of a product that an admin may set as free.
pub const STOCK_UNITS_MAX: u64 = 1_000_000_000;

/// A whole number of units in one order, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(u32);

impl Quantity {
    /// `None` for zero.
    pub fn new(units: u32) -> Option<Self> {
        (units > 0).then_some(Self(units))
    }

    /// Number of units.
    pub fn units(self) -> u32 {
        self.0
    }

    /// Both together; `None` when there is no such number.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

/// Where the units of a product are. What an admin puts in is all there is: orders only move units
/// between the three places, so their sum changes with [`Stock::set_free`] and [`Stock::adjust`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stock {
    free: u64,
    reserved: u64,
    sold: u64,
}

/// Why units cannot be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StockError {
    /// Fewer units there than are to be taken away.
    #[error("not enough units")]
    Insufficient,
    /// More units than [`STOCK_UNITS_MAX`].
    #[error("too many units")]
    TooMany,
}

impl Stock {
    /// The stock as it was stored.
    pub fn restore(free: u64, reserved: u64, sold: u64) -> Self {
        Self {
            free,
            reserved,
            sold,
        }
    }

    /// Units free to sell now.
    pub fn free(self) -> u64 {
        self.free
    }

    /// Units held for orders that are not paid yet.
    pub fn reserved(self) -> u64 {
        self.reserved
    }

    /// Units of paid orders.
    pub fn sold(self) -> u64 {
        self.sold
    }

    /// Replaces the number of free units.
    pub fn set_free(self, units: u64) -> Result<Self, StockError> {
        if units > STOCK_UNITS_MAX {
            return Err(StockError::TooMany);
        }
        Ok(Self {
            free: units,
            ..self
        })
    }

    /// Replaces the number of units on hand, the free ones and those that are reserved.
    pub fn set_on_hand(self, units: u64) -> Result<Self, StockError> {
        let free = units.checked_sub(self.reserved);
        self.set_free(free.ok_or(StockError::Insufficient)?)
    }

    /// Adds to the free units, or takes some away.
    pub fn adjust(self, delta: i64) -> Result<Self, StockError> {
        let beyond = if delta < 0 {
            StockError::Insufficient
        } else {
            StockError::TooMany
        };
        let free = self.free.checked_add_signed(delta).ok_or(beyond)?;
        // Units that orders gave back may exceed the limit; taking away from them stays possible.
        if delta > 0 && free > STOCK_UNITS_MAX {
            return Err(StockError::TooMany);
        }
        Ok(Self { free, ..self })
    }

    /// Whether so many units can be taken off the free ones.
    pub fn has_free(self, quantity: Quantity) -> bool {
        u64::from(quantity.units()) <= self.free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(n: u32) -> Quantity {
        Quantity::new(n).unwrap()
    }

    #[test]
    fn free_units_do_not_go_below_zero() {
        let stock = Stock::restore(3, 2, 1);
        assert!(stock.has_free(units(3)) && !stock.has_free(units(4)));
        assert_eq!(stock.adjust(-4), Err(StockError::Insufficient));
        assert_eq!(stock.adjust(i64::MIN), Err(StockError::Insufficient));
        assert_eq!(stock.adjust(-3).unwrap(), Stock::restore(0, 2, 1));
    }

    #[test]
    fn an_admin_cannot_set_more_than_the_limit() {
        let empty = Stock::default();
        assert_eq!(
            empty.set_free(STOCK_UNITS_MAX).unwrap().free(),
            STOCK_UNITS_MAX
        );
        assert_eq!(
            empty.set_free(STOCK_UNITS_MAX + 1),
            Err(StockError::TooMany)
        );
        assert_eq!(
            Stock::restore(STOCK_UNITS_MAX, 0, 0).adjust(1),
            Err(StockError::TooMany)
        );
        assert_eq!(empty.adjust(i64::MAX), Err(StockError::TooMany));
    }

    #[test]
    fn units_on_hand_are_the_free_and_the_reserved_ones() {
        let stock = Stock::restore(5, 3, 9);
        assert_eq!(stock.set_on_hand(8), Ok(stock));
        assert_eq!(stock.set_on_hand(3), Ok(Stock::restore(0, 3, 9)));
        assert_eq!(stock.set_on_hand(2), Err(StockError::Insufficient));
        let most = STOCK_UNITS_MAX + 3;
        assert_eq!(stock.set_on_hand(most).unwrap().free(), STOCK_UNITS_MAX);
        assert_eq!(stock.set_on_hand(most + 1), Err(StockError::TooMany));
    }

    #[test]
    fn units_given_back_may_exceed_the_limit_and_can_be_taken_away() {
        let over = Stock::restore(STOCK_UNITS_MAX + 5, 0, 0);
        assert_eq!(over.adjust(-1).unwrap().free(), STOCK_UNITS_MAX + 4);
    }

    #[test]
    fn a_quantity_is_at_least_one_and_its_sum_does_not_wrap() {
        assert_eq!(Quantity::new(0), None);
        assert_eq!(units(u32::MAX).plus(units(1)), None);
        assert_eq!(units(2).plus(units(3)), Some(units(5)));
    }
}
