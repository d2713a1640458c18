use crate::domain::error::InventoryError;
use crate::domain::reservation::{Reservation, ReservationState, Settlement, Transition};
use crate::domain::values::OrderId;
use crate::ports::{Clock, Store, StoreError, Transaction};

/// Sells the stock held for an order, gives it back, or gives sold stock back. Done before: nothing changes.
///
/// A release without a reservation is remembered, so that a late reservation cannot take stock any more.
///
/// # Errors
/// [`InventoryError::NotFound`], [`InventoryError::Conflict`], [`InventoryError::Store`].
pub fn settle_reservation(
    store: &impl Store,
    clock: &impl Clock,
    order_id: &OrderId,
    settlement: Settlement,
) -> Result<(), InventoryError> {
    store.write(|transaction| {
        let now = clock.now_ms();
        let Some(reservation) = transaction.reservation(order_id)? else {
            return match settlement {
                Settlement::Release => {
                    Ok(transaction.insert_reservation(&tombstone(order_id, now))?)
                }
                Settlement::Commit | Settlement::Restock => Err(InventoryError::NotFound),
            };
        };
        match settlement
            .transition(reservation.state)
            .map_err(InventoryError::Conflict)?
        {
            Transition::Nothing => Ok(()),
            Transition::To(state) => {
                move_lines(transaction, &reservation, settlement)?;
                let at = now.max(reservation.updated_at);
                Ok(transaction.set_reservation_state(order_id, state, at)?)
            }
        }
    })
}

fn tombstone(order_id: &OrderId, now: u64) -> Reservation {
    let (order_id, state) = (order_id.clone(), ReservationState::Released);
    Reservation {
        order_id,
        state,
        lines: Vec::new(),
        created_at: now,
        updated_at: now,
    }
}

fn move_lines(
    transaction: &dyn Transaction,
    reservation: &Reservation,
    settlement: Settlement,
) -> Result<(), InventoryError> {
    for line in &reservation.lines {
        let id = line.product_id.as_str();
        let product = transaction
            .product(id)?
            .ok_or_else(|| disagreement(id, "there is no such product"))?;
        let stock = settlement.apply(product.stock, line.quantity);
        let stock = stock.map_err(|_| disagreement(id, "the product counts fewer units"))?;
        transaction.save_stock(&line.product_id, stock)?;
    }
    Ok(())
}

/// Lines and products are written together, so this can only be damage from outside.
fn disagreement(product_id: &str, how: &str) -> StoreError {
    StoreError::Fault(format!(
        "a reservation holds units of product {product_id}, but {how}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::memory::{Fixture, line, new_product, order};
    use crate::domain::stock::Stock;

    #[test]
    fn a_paid_order_sells_its_units_once() {
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 9)).unwrap();
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        for _ in 0..3 {
            shop.settle(1, Settlement::Commit).unwrap();
            assert_eq!(shop.stock(&tea), Stock::restore(5, 0, 4));
        }
        for _ in 0..3 {
            shop.settle(1, Settlement::Restock).unwrap();
            assert_eq!(shop.stock(&tea), Stock::restore(9, 0, 0));
        }
    }

    #[test]
    fn a_cancelled_order_frees_its_units_once() {
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 9)).unwrap();
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        shop.reserve(2, &[line(&tea, 1)]).unwrap();
        for _ in 0..3 {
            shop.settle(1, Settlement::Release).unwrap();
            assert_eq!(shop.stock(&tea), Stock::restore(8, 1, 0));
        }
    }

    #[test]
    fn a_product_deleted_meanwhile_still_gets_its_units_moved() {
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 9)).unwrap();
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        shop.delete(&tea, None).unwrap();
        shop.settle(1, Settlement::Commit).unwrap();
        assert_eq!(shop.stock(&tea), Stock::restore(5, 0, 4));
    }

    #[test]
    fn what_was_never_reserved_can_only_be_released() {
        let shop = Fixture::new();
        assert_eq!(
            shop.settle(1, Settlement::Commit),
            Err(InventoryError::NotFound)
        );
        assert_eq!(
            shop.settle(1, Settlement::Restock),
            Err(InventoryError::NotFound)
        );
        shop.settle(1, Settlement::Release).unwrap();
        shop.settle(1, Settlement::Release).unwrap();
        assert_eq!(
            shop.store.reservation_state(&order(1)),
            Some(ReservationState::Released)
        );
        let conflict = Err(InventoryError::Conflict(ReservationState::Released));
        assert_eq!(shop.settle(1, Settlement::Commit), conflict);
    }

    #[test]
    fn steps_out_of_order_name_the_state_and_move_nothing() {
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 9)).unwrap();
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        let conflict = |state| Err(InventoryError::Conflict(state));
        assert_eq!(
            shop.settle(1, Settlement::Restock),
            conflict(ReservationState::Held)
        );
        shop.settle(1, Settlement::Commit).unwrap();
        assert_eq!(
            shop.settle(1, Settlement::Release),
            conflict(ReservationState::Committed)
        );
        assert_eq!(shop.stock(&tea), Stock::restore(5, 0, 4));
    }
}
