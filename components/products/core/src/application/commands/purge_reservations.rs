//! Removes old reservations.

use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, Store as _};
use crate::domain::reservation::InventoryError;

/// Most reservations that one call removes.
pub const PURGED_MAX: u32 = 500;

/// Which reservations to remove.
#[derive(Debug)]
pub struct Command {
    /// Those that were given back at least so many milliseconds ago.
    pub released_for_ms: u64,
    /// At most so many, and at most [`PURGED_MAX`].
    pub limit: u32,
}

/// Removes reservations that were given back long ago, the oldest first; returns how many. Looks first: with nothing to
/// remove it writes nothing.
///
/// What is removed could only say to a late repetition that the order is over. Stock that is held or was sold stays.
///
/// # Errors
/// [`InventoryError::Store`].
pub fn handle(ports: &impl Ports, command: &Command) -> Result<u64, InventoryError> {
    let now = ports.clock().now_ms();
    let before = now.saturating_sub(command.released_for_ms);
    if !ports.store().has_released(before)? {
        return Ok(0);
    }
    let limit = command.limit.min(PURGED_MAX);
    ports.store().write_stock(locks::purge(), |transaction| {
        Ok(transaction.purge_released(before, limit)?)
    })
}

#[cfg(test)]
mod tests {
    use crate::domain::reservation::Settlement;
    use crate::testing::{Shop, line, new_product};

    #[test]
    fn only_what_was_given_back_long_ago_is_removed() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 9)).unwrap();
        for number in 1..=4 {
            shop.reserve(number, &[line(&tea, 1)]).unwrap();
        }
        shop.settle(1, Settlement::Release).unwrap();
        shop.settle(2, Settlement::Commit).unwrap();
        shop.settle(3, Settlement::Commit).unwrap();
        shop.settle(3, Settlement::Restock).unwrap();
        assert_eq!(shop.purge(1_000, 10), Ok(0), "too young");
        let stock = shop.stock(&tea);
        assert_eq!(shop.purge(0, 10), Ok(1));
        assert_eq!(shop.purge(0, 10), Ok(0));
        let states = (1..=4).map(|number| shop.state(number));
        let states: Vec<_> = states.map(Option::unwrap_or_default).collect();
        assert_eq!(states, ["", "committed", "restocked", "held"]);
        assert_eq!(shop.stock(&tea), stock);
    }

    #[test]
    fn a_call_removes_a_bounded_number_the_oldest_first() {
        let shop = Shop::new();
        for number in 1..=3 {
            shop.settle(number, Settlement::Release).unwrap();
        }
        assert_eq!(shop.purge(0, 2), Ok(2));
        assert_eq!(shop.state(2), None);
        assert!(shop.state(3).is_some());
    }
}
