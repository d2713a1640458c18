//! `mercato:payments/service`: the payment of an order.

use mercato_kernel::{AccountId, Caller, OrderId, PaymentId};
use mercato_money::{Currency, Money};
use mercato_platform::log;
use payments::application::commands::{self, cancel_payment, create_session, refund_payment};
use payments::application::queries;
use payments::domain::{self, CheckoutLine, MinorUnits, NewPayment, PaymentStatus, PaymentView};
use payments::instance;

use crate::bindings::exports::mercato::payments::service::{
    Cancellation, Guest, MoneyReceived, SessionRequest,
};
use crate::bindings::exports::mercato::payments::types::{Payment, PaymentError};
use crate::{Component, internal, opened, payment, payment_error};

impl Guest for Component {
    async fn open(request: SessionRequest) -> Result<Payment, PaymentError> {
        let new = new_payment(request).map_err(open_error)?;
        let instance = instance();
        let opening = create_session::handle(&*instance, &new);
        let payment = log::in_span(&[("order_id", &new.order_id.text())], opening).await;
        payment
            .map(|payment| opened(payment.into()))
            .map_err(open_error)
    }

    async fn cancel(cancellation: Cancellation) -> Result<Option<Payment>, PaymentError> {
        let Ok(order_id) = OrderId::parse(&cancellation.order_id) else {
            return Ok(None);
        };
        let cancellation = commands::Cancellation {
            order_id,
            reason: cancellation.reason,
        };
        let instance = instance();
        let cancelled = cancel_payment::handle(&*instance, &cancellation);
        found(log::in_span(&[("order_id", &order_id.text())], cancelled).await)
    }

    async fn cancel_all(
        cancellations: Vec<Cancellation>,
    ) -> Result<Vec<Result<Option<Payment>, PaymentError>>, PaymentError> {
        let cancellations = cancellations
            .into_iter()
            .map(|asked| {
                Ok(commands::Cancellation {
                    order_id: OrderId::parse(&asked.order_id)
                        .map_err(|problem| PaymentError::Rejected(format!("orderId {problem}")))?,
                    reason: asked.reason,
                })
            })
            .collect::<Result<Vec<_>, PaymentError>>()?;
        let outcomes = cancel_payment::handle_all(&*instance(), &cancellations).await;
        let outcomes = outcomes.map_err(payment_error)?;
        Ok(outcomes.into_iter().map(found).collect())
    }

    async fn refund(
        payment_id: String,
        reason: String,
        idempotency_key: String,
    ) -> Result<(), PaymentError> {
        let Ok(payment_id) = PaymentId::parse(&payment_id) else {
            return Err(payment_error(domain::PaymentError::NotFound));
        };
        let command = refund_payment::Command {
            requested_by: Caller::System,
            payment_id,
            amount: None,
            reason: Some(reason),
            idempotency_key: Some(idempotency_key),
            expected_version: None,
        };
        let instance = instance();
        let refunding = refund_payment::handle(&*instance, command);
        match log::in_span(&[("payment_id", &payment_id.text())], refunding).await {
            Ok(_)
            | Err(
                domain::PaymentError::Conflict(PaymentStatus::Refunded)
                | domain::PaymentError::RefundExceedsAmount(MinorUnits::ZERO),
            ) => Ok(()),
            // A reason or a key that is no such thing is a fault of the caller's, not the provider's no.
            Err(error @ domain::PaymentError::Invalid(_)) => Err(internal(&error)),
            Err(error) => Err(payment_error(error)),
        }
    }

    async fn find_by_order(order_id: String) -> Result<Option<Payment>, PaymentError> {
        let Ok(order_id) = OrderId::parse(&order_id) else {
            return Ok(None);
        };
        log::in_span(&[("order_id", &order_id.text())], async {
            found(queries::find_payment_of_order(
                &*instance(),
                &Caller::System,
                order_id,
            ))
        })
        .await
    }

    async fn money_by_currency() -> Result<Vec<MoneyReceived>, PaymentError> {
        let received = queries::money_received(&*instance()).map_err(payment_error)?;
        Ok(received
            .into_iter()
            .map(|money| MoneyReceived {
                currency: money.currency.code().to_owned(),
                gross: money.gross.get(),
                refunded: money.refunded.get(),
                lost_to_disputes: money.lost_to_disputes.get(),
            })
            .collect())
    }
}

fn found<P: Into<PaymentView>>(
    result: Result<P, domain::PaymentError>,
) -> Result<Option<Payment>, PaymentError> {
    match result {
        Ok(found) => Ok(Some(payment(found.into()))),
        Err(domain::PaymentError::NotFound) => Ok(None),
        Err(error) => Err(payment_error(error)),
    }
}

fn open_error(error: domain::PaymentError) -> PaymentError {
    match error {
        domain::PaymentError::IdempotencyKeyReused => {
            PaymentError::Rejected("the order has another payment".to_owned())
        }
        // The order was cancelled while its payment was opened: whoever cancelled it brings it to its end.
        domain::PaymentError::Conflict(_) => PaymentError::Unavailable,
        error => payment_error(error),
    }
}

fn new_payment(request: SessionRequest) -> Result<NewPayment, domain::PaymentError> {
    let invalid = domain::PaymentError::invalid;
    let currency: Currency = request
        .currency
        .parse()
        .map_err(|_| invalid("currency", "format", "currency must be an ISO 4217 code"))?;
    let amount = MinorUnits::new(request.amount)
        .ok_or_else(|| invalid("amount", "min", "amount must not be negative"))?;
    let order_id = OrderId::parse(&request.order_id).map_err(|problem| {
        domain::PaymentError::invalid("orderId", "format", format!("orderId {problem}"))
    })?;
    let customer_id = AccountId::parse(&request.customer_id).map_err(|problem| {
        domain::PaymentError::invalid("customerId", "format", format!("customerId {problem}"))
    })?;
    let lines = request.lines.into_iter().map(|line| CheckoutLine {
        name: line.name,
        unit_price: Money::from_units(line.unit_price),
        quantity: line.quantity,
    });
    Ok(NewPayment {
        order_id,
        order_number: request.order_number,
        customer_id,
        amount,
        currency,
        lines: lines.collect(),
        expires_at: request.expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definite_no_says_why() {
        let invalid =
            |field| domain::PaymentError::invalid(field, "min", format!("{field} must be"));
        for (error, told) in [
            (
                domain::PaymentError::ProviderRejected("no such currency".to_owned()),
                PaymentError::Rejected("no such currency".to_owned()),
            ),
            (
                invalid("amount"),
                PaymentError::Rejected("amount must be".to_owned()),
            ),
            (
                domain::PaymentError::IdempotencyKeyReused,
                PaymentError::Rejected("the order has another payment".to_owned()),
            ),
            (
                domain::PaymentError::Conflict(PaymentStatus::Cancelled),
                PaymentError::Unavailable,
            ),
            (
                domain::PaymentError::ProviderUnavailable,
                PaymentError::ProviderUnavailable,
            ),
            (domain::PaymentError::Unavailable, PaymentError::Unavailable),
            (domain::PaymentError::NotFound, PaymentError::Internal),
        ] {
            assert_eq!(format!("{:?}", open_error(error)), format!("{told:?}"));
        }
    }

    #[test]
    fn what_is_no_order_has_no_payment() {
        let found = |error| found::<PaymentView>(Err(error));
        assert!(matches!(found(domain::PaymentError::NotFound), Ok(None)));
        assert!(matches!(
            found(domain::PaymentError::UnderWay),
            Err(PaymentError::Internal)
        ));
    }

    #[test]
    fn a_request_that_is_none_is_rejected() {
        let request = |order_id: &str, currency: &str, amount| SessionRequest {
            order_id: order_id.to_owned(),
            order_number: "M-7K3F-29QD".to_owned(),
            customer_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            amount,
            currency: currency.to_owned(),
            lines: Vec::new(),
            expires_at: 1,
        };
        let order = "01890A5D-AC96-774B-BCCE-B302099A8058";
        let new = new_payment(request(order, "EUR", 5)).unwrap();
        assert_eq!(*new.order_id.text(), order.to_lowercase());
        for wrong in [
            request("7", "EUR", 5),
            request(order, "euro", 5),
            request(order, "EUR", -5),
        ] {
            assert!(matches!(
                new_payment(wrong).map_err(open_error),
                Err(PaymentError::Rejected(_))
            ));
        }
    }
}
