use mercato_platform::clock::SystemClock;
use mercato_platform::log;

use super::{log_cause, with_store};
use crate::Component;
use crate::application::commands;
use crate::bindings::exports::mercato::products::inventory;
use crate::domain::error::InventoryError;
use crate::domain::reservation::{
    Rejection, RejectionReason, RequestedLine, ReservationState, ReservedLine, Settlement,
};
use crate::domain::values::OrderId;
use crate::ports::StoreError;

impl inventory::Guest for Component {
    async fn reserve(
        order_id: String,
        lines: Vec<inventory::Line>,
    ) -> Result<Vec<inventory::ReservedLine>, inventory::InventoryError> {
        let order_id = parse_order_id(&order_id)?;
        let to_line = |line: inventory::Line| RequestedLine {
            product_id: line.product_id,
            quantity: line.quantity,
        };
        let lines: Vec<_> = lines.into_iter().map(to_line).collect();
        log::in_span(&[("order_id", order_id.as_str())], async {
            let reserved = with_store(|store| {
                commands::reserve_stock(store, &SystemClock, &order_id, &lines)
            })?;
            Ok(reserved.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn commit(order_id: String) -> Result<(), inventory::InventoryError> {
        settle(&order_id, Settlement::Commit).await
    }

    async fn release(order_id: String) -> Result<(), inventory::InventoryError> {
        settle(&order_id, Settlement::Release).await
    }

    async fn release_all(
        order_ids: Vec<String>,
    ) -> Result<Vec<Result<(), inventory::InventoryError>>, inventory::InventoryError> {
        let order_ids = order_ids
            .iter()
            .map(|id| parse_order_id(id))
            .collect::<Result<Vec<_>, _>>()?;
        let outcomes = with_store(|store| {
            commands::settle_reservations(store, &SystemClock, &order_ids, Settlement::Release)
        })?;
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| outcome.map_err(Into::into));
        Ok(outcomes.collect())
    }

    async fn purge(released_for_ms: u64, limit: u32) -> Result<u32, inventory::InventoryError> {
        let removed = with_store(|store| {
            commands::purge_reservations(store, &SystemClock, released_for_ms, limit)
        })?;
        Ok(u32::try_from(removed).unwrap_or(u32::MAX))
    }

    async fn restock(order_id: String) -> Result<(), inventory::InventoryError> {
        settle(&order_id, Settlement::Restock).await
    }
}

async fn settle(order_id: &str, settlement: Settlement) -> Result<(), inventory::InventoryError> {
    let order_id = parse_order_id(order_id)?;
    log::in_span(&[("order_id", order_id.as_str())], async {
        Ok(with_store(|store| {
            commands::settle_reservation(store, &SystemClock, &order_id, settlement)
        })?)
    })
    .await
}

fn parse_order_id(text: &str) -> Result<OrderId, InventoryError> {
    OrderId::parse(text)
        .ok_or_else(|| InventoryError::Contract("the order's id is no UUID".to_owned()))
}

impl From<ReservedLine> for inventory::ReservedLine {
    fn from(line: ReservedLine) -> Self {
        Self {
            product_id: line.product_id.as_str().to_owned(),
            name: line.name.as_str().to_owned(),
            unit_price: line.unit_price.amount().units(),
            quantity: line.quantity.units(),
        }
    }
}

impl From<InventoryError> for inventory::InventoryError {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::Rejected(lines) => {
                Self::Rejected(lines.into_iter().map(Into::into).collect())
            }
            InventoryError::Conflict(state) => Self::Conflict(state.into()),
            InventoryError::NotFound => Self::NotFound,
            InventoryError::Contract(_) => {
                log::error(
                    "a request to the inventory was refused",
                    &[("error", &error.to_string())],
                );
                Self::Internal
            }
            InventoryError::Store(error) => {
                log_cause(&error);
                match error {
                    StoreError::Unavailable(_) | StoreError::TooExpensive(_) => Self::Unavailable,
                    StoreError::Fault(_) => Self::Internal,
                }
            }
        }
    }
}

impl From<Rejection> for inventory::Rejection {
    fn from(rejection: Rejection) -> Self {
        Self {
            product_id: rejection.product_id,
            reason: match rejection.reason {
                RejectionReason::UnknownProduct => inventory::RejectionReason::UnknownProduct,
                RejectionReason::InsufficientStock => inventory::RejectionReason::InsufficientStock,
            },
            requested: rejection.requested,
            available: rejection.available,
        }
    }
}

impl From<ReservationState> for inventory::ReservationState {
    fn from(state: ReservationState) -> Self {
        match state {
            ReservationState::Held => Self::Held,
            ReservationState::Committed => Self::Committed,
            ReservationState::Released => Self::Released,
            ReservationState::Restocked => Self::Restocked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_keeps_its_name() {
        use inventory::InventoryError as Told;
        let told = |error: InventoryError| Told::from(error);
        assert!(matches!(told(InventoryError::NotFound), Told::NotFound));
        assert!(matches!(
            told(InventoryError::Contract("0 lines".to_owned())),
            Told::Internal
        ));
        assert!(matches!(
            told(StoreError::Unavailable("busy".to_owned()).into()),
            Told::Unavailable
        ));
        assert!(matches!(
            told(StoreError::TooExpensive("interrupted".to_owned()).into()),
            Told::Unavailable
        ));
        assert!(matches!(
            told(StoreError::Fault("no such table".to_owned()).into()),
            Told::Internal
        ));
        for (state, expected) in [
            (ReservationState::Held, inventory::ReservationState::Held),
            (
                ReservationState::Committed,
                inventory::ReservationState::Committed,
            ),
            (
                ReservationState::Released,
                inventory::ReservationState::Released,
            ),
            (
                ReservationState::Restocked,
                inventory::ReservationState::Restocked,
            ),
        ] {
            assert!(
                matches!(told(InventoryError::Conflict(state)), Told::Conflict(told) if told == expected)
            );
        }
    }

    #[test]
    fn a_rejection_names_product_reason_and_what_there_is() {
        let rejection = |reason| Rejection {
            product_id: "x".to_owned(),
            reason,
            requested: 3,
            available: 2,
        };
        let error = InventoryError::Rejected(vec![
            rejection(RejectionReason::InsufficientStock),
            rejection(RejectionReason::UnknownProduct),
        ]);
        let inventory::InventoryError::Rejected(told) = error.into() else {
            panic!("not rejected")
        };
        assert_eq!(
            (&*told[0].product_id, told[0].requested, told[0].available),
            ("x", 3, 2)
        );
        assert_eq!(
            told[0].reason,
            inventory::RejectionReason::InsufficientStock
        );
        assert_eq!(told[1].reason, inventory::RejectionReason::UnknownProduct);
    }

    #[test]
    fn an_order_id_that_is_no_uuid_breaks_the_contract() {
        assert!(matches!(
            parse_order_id("7"),
            Err(InventoryError::Contract(_))
        ));
        assert!(parse_order_id("01890a5d-ac96-774b-bcce-b302099a8057").is_ok());
    }
}
