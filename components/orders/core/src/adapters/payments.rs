//! Payments and their outbox behind the port [`Payments`].

use mercato_contracts::payments::outbox;
use mercato_contracts::payments::service::{
    self, Address, Adjustment, AdjustmentKind, Cancellation, CheckoutDetails, CheckoutLine,
    LineAmount, MoneyReceived, SessionRequest,
};
use mercato_contracts::payments::types::PaymentError;
use mercato_kernel::{OrderId, PaymentId};
use mercato_money::Money;
use mercato_platform::log;

use crate::domain::{
    self, OrderError, OrderItem, OrderView, OrderedQuote, Payment, PaymentEvent, QuoteLine,
};
use crate::ports::{CancelPayment, OpenError, Payments, Refunding};

/// The payments of the component this one is composed with.
pub struct ComposedPayments;

impl Payments for ComposedPayments {
    async fn open(&self, order: &OrderView, expires_at: u64) -> Result<Payment, OpenError> {
        let opened = service::open(session_request(order, expires_at)).await;
        opened.map_err(|error| not_opened(order.id, error))
    }

    async fn cancel(&self, wanted: &CancelPayment) -> Result<Option<Payment>, OrderError> {
        let payment = service::cancel(cancellation(wanted)).await;
        payment.map_err(failed("cancel", &wanted.order_id.text()))
    }

    async fn cancel_all(
        &self,
        cancellations: &[CancelPayment],
    ) -> Result<Vec<Result<Option<Payment>, OrderError>>, OrderError> {
        let wanted = cancellations.iter().map(cancellation).collect();
        let outcomes = service::cancel_all(wanted).await;
        let outcomes = outcomes.map_err(failed("cancel", "several"))?;
        Ok(closed(outcomes, cancellations))
    }

    async fn refund(
        &self,
        payment_id: PaymentId,
        reason: &str,
        idempotency_key: &str,
    ) -> Result<Refunding, OrderError> {
        let id = payment_id.to_string();
        refunding(
            payment_id,
            service::refund(id, reason.into(), idempotency_key.into()).await,
        )
    }

    async fn money_received(&self) -> Result<Vec<MoneyReceived>, OrderError> {
        let received = service::money_by_currency().await;
        received.map_err(failed("sum", "all"))
    }

    async fn of_order(&self, order_id: OrderId) -> Result<Option<Payment>, OrderError> {
        let payment = service::find_by_order(order_id.to_string()).await;
        payment.map_err(failed("find", &order_id.text()))
    }

    async fn relay(&self, min_interval_ms: u32) -> Result<(), OrderError> {
        let relayed = outbox::relay(min_interval_ms).await;
        relayed.map_err(failed("relay", "all"))
    }

    async fn pending_event(&self, event_id: &str) -> Result<Option<PaymentEvent>, OrderError> {
        let event = outbox::pending(event_id.to_owned()).await;
        event.map_err(failed("event", event_id))
    }

    async fn pending_events(&self, order_id: OrderId) -> Result<Vec<PaymentEvent>, OrderError> {
        let events = outbox::pending_of_order(order_id.to_string()).await;
        events.map_err(failed("events of", &order_id.text()))
    }

    async fn overdue_events(
        &self,
        min_age_ms: u32,
        limit: u32,
    ) -> Result<Vec<PaymentEvent>, OrderError> {
        let events = outbox::overdue(min_age_ms, limit).await;
        events.map_err(failed("overdue events", ""))
    }

    async fn acknowledge(&self, event_id: &str) -> Result<(), OrderError> {
        let acknowledged = outbox::acknowledge(event_id.to_owned()).await;
        acknowledged.map_err(failed("acknowledge", event_id))
    }

    async fn acknowledge_all(&self, event_ids: &[String]) -> Result<(), OrderError> {
        let acknowledged = outbox::acknowledge_all(event_ids.to_vec()).await;
        acknowledged.map_err(failed("acknowledge", "several"))
    }

    async fn report_failure(&self, event_id: &str, error: &str) -> Result<(), OrderError> {
        let reported = outbox::report_failure(event_id.to_owned(), error.to_owned()).await;
        reported.map_err(failed("report the failure of", event_id))
    }
}

/// The payment of an order, as payments is asked for it.
pub fn session_request(order: &OrderView, expires_at: u64) -> SessionRequest {
    SessionRequest {
        order_id: order.id.to_string(),
        order_number: order.number.to_string(),
        customer_id: order.customer_id.to_string(),
        amount: order.amount_due(),
        currency: order.currency.code().to_owned(),
        lines: order.items.iter().map(checkout_line).collect(),
        details: order.quote.as_ref().map(|quote| details(quote)),
        expires_at,
    }
}

/// Who a quote is for, and how its amount comes about.
fn details(ordered: &OrderedQuote) -> CheckoutDetails {
    let quote = ordered.quote();
    let line_amount = |line: &QuoteLine| LineAmount {
        amount: line.amount,
        discount: line.discount,
    };
    let adjustment = |kind, label: String, amount| Adjustment {
        kind,
        label,
        amount,
    };
    let discounts = quote.discounts.iter().map(|discount| {
        let label = format!("{} ({})", discount.code, discount.label);
        adjustment(AdjustmentKind::Discount, label, discount.amount)
    });
    let shipping = quote.shipping.iter().map(|shipping| {
        let (name, amount) = (shipping.name.clone(), shipping.amount);
        adjustment(AdjustmentKind::Shipping, name, amount)
    });
    let kind = if quote.prices_include_tax {
        AdjustmentKind::IncludedTax
    } else {
        AdjustmentKind::Tax
    };
    let taxes = quote.taxes.iter().map(|tax| {
        // Both are counted in ten-thousandths.
        let percent = Money::from_units(tax.tax_rate.rate.into());
        let label = match &tax.tax_rate.reason {
            Some(reason) => format!("{percent} % ({reason})"),
            None => format!("{percent} %"),
        };
        adjustment(kind, label, tax.tax)
    });
    let content = ordered.content();
    let shipping_address = address(&content.shipping_address);
    let billing_address = content.billing_address.as_ref().map(address);
    CheckoutDetails {
        email: content.email.clone(),
        billing_address: billing_address.filter(|billing| *billing != shipping_address),
        shipping_address: Some(shipping_address),
        line_amounts: quote.lines.iter().map(line_amount).collect(),
        adjustments: discounts.chain(shipping).chain(taxes).collect(),
    }
}

/// Without the telephone number: nobody needs it to pay.
fn address(address: &domain::Address) -> Address {
    Address {
        name: address.name.clone(),
        company: address.company.clone(),
        line1: address.line1.clone(),
        line2: address.line2.clone(),
        postal_code: address.postal_code.clone(),
        city: address.city.clone(),
        region: address.region.clone(),
        country: address.country.clone(),
    }
}

/// Logs why a payment could not be opened and returns what it means for its order.
pub fn not_opened(order_id: OrderId, error: PaymentError) -> OpenError {
    log_error("open", &order_id.text(), &error);
    match error {
        PaymentError::Rejected(reason) => OpenError::Refused(reason),
        _ => OpenError::Unavailable,
    }
}

/// What became of a refund that payments was asked for.
///
/// # Errors
/// When nothing is decided.
pub fn refunding(
    payment_id: PaymentId,
    refunded: Result<(), PaymentError>,
) -> Result<Refunding, OrderError> {
    match refunded {
        Ok(()) => Ok(Refunding::Done),
        Err(PaymentError::Rejected(_)) => Ok(Refunding::Refused),
        Err(error) => Err(failed("refund", &payment_id.text())(error)),
    }
}

/// The wish to close the payment of an order.
pub fn cancellation(wanted: &CancelPayment) -> Cancellation {
    let opening = wanted.opening.as_ref();
    Cancellation {
        order_id: wanted.order_id.to_string(),
        reason: wanted.reason.clone(),
        opening: opening.map(|(order, expires_at)| session_request(order, *expires_at)),
    }
}

/// What came of each of them.
pub fn closed(
    outcomes: Vec<Result<Option<Payment>, PaymentError>>,
    cancellations: &[CancelPayment],
) -> Vec<Result<Option<Payment>, OrderError>> {
    let outcomes = outcomes.into_iter().zip(cancellations);
    outcomes
        .map(|(outcome, wanted)| outcome.map_err(failed("cancel", &wanted.order_id.text())))
        .collect()
}

fn checkout_line(item: &OrderItem) -> CheckoutLine {
    CheckoutLine {
        name: item.title(),
        unit_price: item.unit_price.units(),
        quantity: item.quantity.get(),
    }
}

/// Logs an error of payments and returns what it means for an order.
pub fn failed(what: &str, id: &str) -> impl Fn(PaymentError) -> OrderError {
    move |error| {
        log_error(what, id, &error);
        match error {
            PaymentError::Unavailable => OrderError::Unavailable,
            PaymentError::ProviderUnavailable | PaymentError::Rejected(_) => {
                OrderError::PaymentUnavailable
            }
            PaymentError::Internal => OrderError::Internal,
        }
    }
}

fn log_error(what: &str, id: &str, error: &PaymentError) {
    let cause = format!("{error:?}");
    log::warn(
        "payments refused or failed",
        &[("what", what), ("id", id), ("error", &cause)],
    );
}

#[cfg(test)]
mod tests {
    use mercato_kernel::{CheckoutId, ProductId};

    use super::*;
    use crate::domain::quote_for_tests::{line, quoted};

    fn details_with(change: impl FnOnce(&mut domain::QuotedOrder)) -> CheckoutDetails {
        let id = "01939f6e-8a00-7000-8000-00000000000a";
        let lines = vec![line(ProductId::parse(id).unwrap(), "9.99", 2, 1_998)];
        let mut content = quoted(lines, &[]);
        change(&mut content);
        let ordered = OrderedQuote::new(CheckoutId::parse(id).unwrap(), None, content);
        details(&ordered.unwrap())
    }

    #[test]
    fn payments_learn_where_an_order_goes() {
        let told = details_with(|_| ());
        let shipping = told.shipping_address.unwrap();
        assert_eq!((&*shipping.name, &*shipping.country), ("Ada", "AT"));
        assert_eq!(told.email, "ada@example.com");
        assert_eq!(told.billing_address, None);
    }

    #[test]
    fn a_billing_address_is_told_only_when_it_is_another_one() {
        let billing = |change: fn(&mut domain::Address)| {
            let told = details_with(|content| {
                let mut address = content.shipping_address.clone();
                change(&mut address);
                content.billing_address = Some(address);
            });
            told.billing_address
        };
        assert_eq!(billing(|_| ()), None);
        assert_eq!(billing(|address| address.phone = None), None);
        let other = billing(|address| address.company = Some("Engines".to_owned()));
        assert_eq!(other.unwrap().company.as_deref(), Some("Engines"));
    }
}
