use crate::domain::error::InventoryError;
use crate::ports::{Clock, Store};

/// Most reservations that one call removes.
pub const PURGED_MAX: u32 = 500;

/// Removes reservations that were given back at least `released_for_ms` ago, the oldest first and at most `limit` or
/// [`PURGED_MAX`]; gives how many. Looks first: with nothing to remove it writes nothing.
///
/// What is removed could only tell a late repetition that the order is over. Stock that is held or was sold stays.
///
/// # Errors
/// [`InventoryError::Store`].
pub fn purge_reservations(
    store: &impl Store,
    clock: &impl Clock,
    released_for_ms: u64,
    limit: u32,
) -> Result<u64, InventoryError> {
    let before = clock.now_ms().saturating_sub(released_for_ms);
    if !store.has_released(before)? {
        return Ok(0);
    }
    store.write(|transaction| Ok(transaction.purge_released(before, limit.min(PURGED_MAX))?))
}

#[cfg(test)]
mod tests {
    use crate::application::memory::{Fixture, line, new_product, order};
    use crate::domain::reservation::{ReservationState, Settlement};

    #[test]
    fn only_what_was_given_back_long_ago_is_removed() {
        let shop = Fixture::new();
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
        let states = (1..=4).map(|number| shop.store.reservation_state(&order(number)));
        use ReservationState::{Committed, Held, Restocked};
        assert!(states.eq([None, Some(Committed), Some(Restocked), Some(Held)]));
        assert_eq!(shop.stock(&tea), stock);
    }

    #[test]
    fn a_call_removes_a_bounded_number_the_oldest_first() {
        let shop = Fixture::new();
        for number in 1..=3 {
            shop.settle(number, Settlement::Release).unwrap();
        }
        assert_eq!(shop.purge(0, 2), Ok(2));
        assert_eq!(shop.store.reservation_state(&order(2)), None);
        assert!(shop.store.reservation_state(&order(3)).is_some());
    }
}
