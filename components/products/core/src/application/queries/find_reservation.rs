//! What was reserved for an order.

use mercato_kernel::OrderId;

use crate::application::ports::{Ports, Store as _};
use crate::domain::error::StoreError;
use crate::domain::reservation::Reservation;

/// The reservation of an order, whatever became of it; none when nothing was ever reserved or released for it, or that is
/// forgotten.
///
/// # Errors
/// [`StoreError`].
pub fn handle(ports: &impl Ports, order_id: OrderId) -> Result<Option<Reservation>, StoreError> {
    ports.store().reservation(order_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reservation::{ReservationState, Settlement};
    use crate::domain::stock::Stock;
    use crate::testing::{Shop, line, new_product, order};

    #[test]
    fn what_was_reserved_is_known_after_it_was_given_back() {
        let shop = Shop::new();
        let find = |number| handle(&shop.products, order(number)).unwrap();
        assert_eq!(find(1), None);
        let tea = shop.create(&new_product("Tea", 9)).unwrap();
        let lines = shop.reserve(1, &[line(&tea, 4)]).unwrap();
        for state in [ReservationState::Held, ReservationState::Released] {
            let reservation = find(1).unwrap();
            assert_eq!((reservation.state(), reservation.lines()), (state, &*lines));
            shop.settle(1, Settlement::Release).unwrap();
        }
        shop.settle(2, Settlement::Release).unwrap();
        assert_eq!(find(2).unwrap().lines(), []);
        assert_eq!(shop.stock(&tea), Stock::restore(9, 0, 0));
    }
}
