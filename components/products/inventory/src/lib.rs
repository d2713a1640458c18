//! The stock of the catalogue, for other contexts: from the types of WIT to the use cases and back.

use mercato_kernel::{CheckoutId, OrderId};
use mercato_money::Money;
use mercato_platform::log;
use products::application::commands::{purge_reservations, reserve_stock, settle_reservations};
use products::application::queries::find_reservation;
use products::domain::error::StoreError;
use products::domain::reservation as domain;
use products::domain::reservation::{RequestedLine, Settlement};
use products::{instance, log_cause};

use bindings::exports::mercato::products::inventory::{
    Choice, Guest, InventoryError, Line, Rejection, RejectionReason, ReservationState, ReservedLine,
};

mercato_contracts::component!(Component, "mercato:shop/products-inventory", "../../../wit");

/// What the world `products-inventory` exports.
pub struct Component;

impl Guest for Component {
    async fn reserve(
        order_id: String,
        lines: Vec<Line>,
        checkout_id: Option<String>,
    ) -> Result<Vec<ReservedLine>, InventoryError> {
        let order_id = parse_order_id(&order_id)?;
        let to_line = |line: Line| RequestedLine {
            product_id: line.product_id,
            quantity: line.quantity,
            expected_price: line.expected_price.map(Money::from_units),
        };
        let lines: &Vec<_> = &lines.into_iter().map(to_line).collect();
        let checkout_id = parse_checkout_id(checkout_id.as_deref())?;
        log::in_span(&[("order_id", &order_id.text())], async {
            let command = reserve_stock::Command {
                order_id,
                checkout_id,
                lines,
            };
            let reserved = reserve_stock::handle(&*instance(), &command)?;
            Ok(reserved.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn reserved(order_id: String) -> Result<Option<Vec<ReservedLine>>, InventoryError> {
        let order_id = parse_order_id(&order_id)?;
        let found = find_reservation::handle(&*instance(), order_id);
        let reservation = found.map_err(domain::InventoryError::from)?;
        let lines = |reservation: domain::Reservation| reservation.into_lines().into_iter();
        Ok(reservation.map(|found| lines(found).map(Into::into).collect()))
    }

    async fn commit(order_id: String) -> Result<(), InventoryError> {
        settle(&order_id, Settlement::Commit).await
    }

    async fn release(order_id: String) -> Result<(), InventoryError> {
        settle(&order_id, Settlement::Release).await
    }

    async fn restock(order_id: String) -> Result<(), InventoryError> {
        settle(&order_id, Settlement::Restock).await
    }

    async fn release_all(
        order_ids: Vec<String>,
    ) -> Result<Vec<Result<(), InventoryError>>, InventoryError> {
        let order_ids = order_ids.iter().map(|id| parse_order_id(id));
        let command = settle_reservations::Command {
            order_ids: &order_ids.collect::<Result<Vec<_>, _>>()?,
            settlement: Settlement::Release,
        };
        let outcomes = settle_reservations::handle(&*instance(), &command)?;
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| outcome.map_err(Into::into));
        Ok(outcomes.collect())
    }

    async fn purge(released_for_ms: u64, limit: u32) -> Result<u32, InventoryError> {
        let command = purge_reservations::Command {
            released_for_ms,
            limit,
        };
        let removed = purge_reservations::handle(&*instance(), &command)?;
        Ok(u32::try_from(removed).unwrap_or(u32::MAX))
    }
}

async fn settle(order_id: &str, settlement: Settlement) -> Result<(), InventoryError> {
    let order_id = parse_order_id(order_id)?;
    log::in_span(&[("order_id", &order_id.text())], async {
        let settled = settle_reservations::handle_one(&*instance(), order_id, settlement);
        Ok(settled?)
    })
    .await
}

fn parse_order_id(text: &str) -> Result<OrderId, domain::InventoryError> {
    let not_an_id = |_| domain::InventoryError::Contract("the order's id is no UUID".to_owned());
    OrderId::parse(text).map_err(not_an_id)
}

fn parse_checkout_id(text: Option<&str>) -> Result<Option<CheckoutId>, domain::InventoryError> {
    let not_an_id = |_| domain::InventoryError::Contract("the checkout's id is no UUID".to_owned());
    text.map(CheckoutId::parse).transpose().map_err(not_an_id)
}

impl From<domain::ReservedLine> for ReservedLine {
    fn from(line: domain::ReservedLine) -> Self {
        Self {
            product_id: line.product_id.to_string(),
            name: line.name.as_str().to_owned(),
            choices: line.choices.into_iter().map(Into::into).collect(),
            unit_price: line.unit_price.amount().units(),
            quantity: line.quantity.units(),
        }
    }
}

impl From<products::domain::variant::Choice> for Choice {
    fn from(choice: products::domain::variant::Choice) -> Self {
        Self {
            name: choice.name,
            value: choice.value,
        }
    }
}

impl From<domain::InventoryError> for InventoryError {
    fn from(error: domain::InventoryError) -> Self {
        use domain::InventoryError as Error;
        match error {
            Error::Rejected(lines) => Self::Rejected(lines.into_iter().map(Into::into).collect()),
            Error::Conflict(state) => Self::Conflict(state.into()),
            Error::NotFound => Self::NotFound,
            Error::Contract(_) => {
                log::error(
                    "a request to the inventory was refused",
                    &[("error", &error.to_string())],
                );
                Self::Internal
            }
            Error::Store(error) => {
                log_cause(&error);
                match error {
                    StoreError::Unavailable(_) | StoreError::TooExpensive(_) => Self::Unavailable,
                    StoreError::Fault(_) => Self::Internal,
                }
            }
        }
    }
}

impl From<domain::Rejection> for Rejection {
    fn from(rejection: domain::Rejection) -> Self {
        use domain::RejectionReason as Reason;
        Self {
            product_id: rejection.product_id,
            reason: match rejection.reason {
                Reason::UnknownProduct => RejectionReason::UnknownProduct,
                Reason::InsufficientStock => RejectionReason::InsufficientStock,
                Reason::PriceChanged => RejectionReason::PriceChanged,
            },
            requested: rejection.requested,
            available: rejection.available,
        }
    }
}

impl From<domain::ReservationState> for ReservationState {
    fn from(state: domain::ReservationState) -> Self {
        use domain::ReservationState as State;
        match state {
            State::Held => Self::Held,
            State::Committed => Self::Committed,
            State::Released => Self::Released,
            State::Restocked => Self::Restocked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_keeps_its_name() {
        use domain::InventoryError as Error;
        use domain::ReservationState as State;
        let sent = |error: Error| InventoryError::from(error);
        assert!(matches!(sent(Error::NotFound), InventoryError::NotFound));
        assert!(matches!(
            sent(Error::Contract("0 lines".to_owned())),
            InventoryError::Internal
        ));
        assert!(matches!(
            sent(StoreError::Unavailable("busy".to_owned()).into()),
            InventoryError::Unavailable
        ));
        assert!(matches!(
            sent(StoreError::TooExpensive("interrupted".to_owned()).into()),
            InventoryError::Unavailable
        ));
        assert!(matches!(
            sent(StoreError::Fault("no such table".to_owned()).into()),
            InventoryError::Internal
        ));
        for (state, expected) in [
            (State::Held, ReservationState::Held),
            (State::Committed, ReservationState::Committed),
            (State::Released, ReservationState::Released),
            (State::Restocked, ReservationState::Restocked),
        ] {
            let conflict = sent(Error::Conflict(state));
            assert!(matches!(conflict, InventoryError::Conflict(sent) if sent == expected));
        }
    }

    #[test]
    fn a_rejection_names_product_reason_and_what_there_is() {
        let rejection = |reason| domain::Rejection {
            product_id: "x".to_owned(),
            reason,
            requested: 3,
            available: 2,
        };
        let error = domain::InventoryError::Rejected(vec![
            rejection(domain::RejectionReason::InsufficientStock),
            rejection(domain::RejectionReason::UnknownProduct),
            rejection(domain::RejectionReason::PriceChanged),
        ]);
        let InventoryError::Rejected(sent) = error.into() else {
            panic!("not rejected")
        };
        assert_eq!(
            (&*sent[0].product_id, sent[0].requested, sent[0].available),
            ("x", 3, 2)
        );
        assert_eq!(sent[0].reason, RejectionReason::InsufficientStock);
        assert_eq!(sent[1].reason, RejectionReason::UnknownProduct);
        assert_eq!(sent[2].reason, RejectionReason::PriceChanged);
    }

    #[test]
    fn an_order_id_that_is_no_uuid_breaks_the_contract() {
        assert!(matches!(
            parse_order_id("7"),
            Err(domain::InventoryError::Contract(_))
        ));
        assert!(parse_order_id("01890a5d-ac96-774b-bcce-b302099a8057").is_ok());
    }
}
