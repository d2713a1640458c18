//! Ends reservations.

use mercato_kernel::OrderId;

use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, Store as _};
use crate::domain::reservation::{InventoryError, ReservationState, Settlement, Transition};

/// Most orders of one call.
pub const ORDERS_MAX: usize = 100;

/// How the reservations of orders end.
#[derive(Debug)]
pub struct Command<'a> {
    /// The orders, [`ORDERS_MAX`] at most and none named twice.
    pub order_ids: &'a [OrderId],
    /// What becomes of their stock.
    pub settlement: Settlement,
}

/// Sells the stock held for orders, gives it back, or gives sold stock back, in one transaction; returns one outcome for
/// each order, in their order. Looks first: what was done before writes nothing. The number of statements does not depend on
/// how many orders there are, nor on how many lines they have.
///
/// A release without a reservation is remembered, so that a late reservation cannot take stock any more.
///
/// # Errors
/// Of an order: [`InventoryError::NotFound`], [`InventoryError::Conflict`]. Of all: [`InventoryError::Store`],
/// [`InventoryError::Contract`] for more than [`ORDERS_MAX`] orders or one that is named twice: nothing has changed.
pub fn handle(
    ports: &impl Ports,
    command: &Command<'_>,
) -> Result<Vec<Result<(), InventoryError>>, InventoryError> {
    check(command.order_ids).map_err(InventoryError::Contract)?;
    let states = ports.store().reservation_states(command.order_ids)?;
    let seen = Plan::of(command, &states);
    if seen.moving.is_empty() {
        return Ok(seen.outcomes);
    }
    let now = ports.clock().now_ms();
    let locks = locks::orders(command.order_ids.iter().copied());
    let otherwise = ports.store().write_stock(locks, |transaction| {
        if let Some(state) = seen.state
            && transaction.settle_from(state, &seen.moving, command.settlement, now)?
        {
            return Ok::<_, InventoryError>(None);
        }
        // Another writer has come in between.
        let states = transaction.reservation_states(command.order_ids)?;
        let Plan {
            moving, outcomes, ..
        } = Plan::of(command, &states);
        if !moving.is_empty() {
            transaction.settle(&moving, command.settlement, now)?;
        }
        Ok(Some(outcomes))
    })?;
    Ok(otherwise.unwrap_or(seen.outcomes))
}

/// What becomes of the orders of a command.
struct Plan {
    /// Those that change.
    moving: Vec<OrderId>,
    /// The state that all of these are in; none when they are in several, or have no reservation.
    state: Option<ReservationState>,
    /// One for each order, in their order.
    outcomes: Vec<Result<(), InventoryError>>,
}

impl Plan {
    fn of(command: &Command<'_>, states: &[(OrderId, ReservationState)]) -> Self {
        let (mut moving, mut outcomes) = (Vec::new(), Vec::new());
        let mut found = Vec::new();
        for &order_id in command.order_ids {
            let known = states.iter().find(|(id, _)| *id == order_id);
            let transition = match known {
                Some((_, state)) => command.settlement.transition(*state),
                None => command.settlement.transition_of_none(),
            };
            if matches!(transition, Ok(Transition::To(_))) {
                moving.push(order_id);
                found.push(known.map(|(_, state)| *state));
            }
            outcomes.push(transition.map(|_| ()));
        }
        let first = found.first().copied().flatten();
        let state = first.filter(|_| found.iter().all(|state| *state == first));
        Self {
            moving,
            state,
            outcomes,
        }
    }
}

/// The same for one order.
///
/// # Errors
/// [`InventoryError::NotFound`], [`InventoryError::Conflict`], [`InventoryError::Store`].
pub fn handle_one(
    ports: &impl Ports,
    order_id: OrderId,
    settlement: Settlement,
) -> Result<(), InventoryError> {
    let command = Command {
        order_ids: std::slice::from_ref(&order_id),
        settlement,
    };
    let outcome = handle(ports, &command)?.pop();
    outcome.unwrap_or(Err(InventoryError::NotFound))
}

fn check(order_ids: &[OrderId]) -> Result<(), String> {
    if order_ids.len() > ORDERS_MAX {
        let count = order_ids.len();
        return Err(format!(
            "{count} orders, but at most {ORDERS_MAX} at a time"
        ));
    }
    let mut sorted = order_ids.to_vec();
    sorted.sort_unstable();
    if sorted.is_sorted_by(|one, next| one < next) {
        Ok(())
    } else {
        Err("an order that is named twice".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reservation::ReservationState;
    use crate::domain::stock::Stock;
    use crate::testing::{Shop, line, new_product, order};

    #[test]
    fn a_paid_order_sells_its_units_once() {
        let shop = Shop::new();
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
        let shop = Shop::new();
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
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 9)).unwrap();
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        shop.delete(&tea, None).unwrap();
        shop.settle(1, Settlement::Commit).unwrap();
        assert_eq!(shop.stock(&tea), Stock::restore(5, 0, 4));
    }

    #[test]
    fn what_was_never_reserved_can_only_be_released() {
        let shop = Shop::new();
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
        assert_eq!(shop.state(1).as_deref(), Some("released"));
        let conflict = Err(InventoryError::Conflict(ReservationState::Released));
        assert_eq!(shop.settle(1, Settlement::Commit), conflict);
    }

    #[test]
    fn steps_out_of_order_name_the_state_and_move_nothing() {
        let shop = Shop::new();
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

    #[test]
    fn many_orders_end_at_once_each_with_its_own_outcome() {
        let shop = Shop::new();
        let (tea, milk) = (
            shop.create(&new_product("Tea", 9)).unwrap(),
            shop.create(&new_product("Milk", 9)).unwrap(),
        );
        shop.reserve(1, &[line(&tea, 4), line(&milk, 2)]).unwrap();
        shop.reserve(2, &[line(&tea, 1)]).unwrap();
        shop.reserve(3, &[line(&milk, 1)]).unwrap();
        shop.settle(3, Settlement::Commit).unwrap();
        let orders: Vec<OrderId> = (1..=4).map(order).collect();
        let conflict = || Err(InventoryError::Conflict(ReservationState::Committed));
        for _ in 0..2 {
            let outcomes = shop.settle_all(&orders, Settlement::Release).unwrap();
            assert_eq!(outcomes, [Ok(()), Ok(()), conflict(), Ok(())]);
            assert_eq!(shop.stock(&tea), Stock::restore(9, 0, 0));
            assert_eq!(shop.stock(&milk), Stock::restore(8, 0, 1));
        }
        let late = shop.reserve(4, &[line(&tea, 1)]);
        assert_eq!(
            late,
            Err(InventoryError::Conflict(ReservationState::Released))
        );
    }

    #[test]
    fn statements_do_not_grow_with_orders_and_nothing_new_is_one() {
        let shop = Shop::on_sqlite();
        let tea = shop.create(&new_product("Tea", 900)).unwrap();
        let orders: Vec<OrderId> = (1..=ORDERS_MAX as u64).map(order).collect();
        for number in 1..=ORDERS_MAX as u64 {
            shop.reserve(number, &[line(&tea, 1)]).unwrap();
        }
        let settle =
            |orders, settlement| shop.statements(|| drop(shop.settle_all(orders, settlement)));
        let steps = [
            (&orders[..1], Settlement::Commit),
            (&orders[..1], Settlement::Restock),
            (&orders[1..], Settlement::Release),
        ];
        for (orders, settlement) in steps {
            assert_eq!(settle(orders, settlement), 5, "{settlement:?}");
            assert_eq!(settle(orders, settlement), 1, "{settlement:?}");
        }
        assert_eq!(settle(&orders, Settlement::Commit), 1, "it is too late");
        let never_reserved: Vec<OrderId> = (901..=1_000).map(order).collect();
        assert_eq!(settle(&never_reserved, Settlement::Release), 6);
        assert_eq!(settle(&never_reserved, Settlement::Release), 1);
        assert_eq!(shop.stock(&tea), Stock::restore(900, 0, 0));
    }

    #[test]
    fn one_call_settles_a_bounded_number_of_orders_each_once() {
        let shop = Shop::new();
        let many: Vec<OrderId> = (0..=ORDERS_MAX as u64).map(order).collect();
        for orders in [many, vec![order(1), order(2), order(1)]] {
            let refused = shop.settle_all(&orders, Settlement::Release);
            assert!(matches!(refused, Err(InventoryError::Contract(_))));
        }
        assert_eq!(shop.settle_all(&[], Settlement::Release), Ok(vec![]));
        assert_eq!(shop.state(1), None);
    }
}
