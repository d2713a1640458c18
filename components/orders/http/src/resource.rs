//! Orders as clients see them.

use mercato_edge::{Amount, Id, PaymentStatusName, Price, Problem, Reply, Timestamp};
use mercato_money::{Currency, Money};
use mercato_platform::clock::rfc3339;
use mercato_platform::log;
use orders::application::commands::create_order::Placement;
use orders::application::queries::find_order::OrderDetails;
use orders::domain::{
    CheckoutSession, OrderItem, OrderStatus, OrderView, Payment, Receipt, StatusChange,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::status::{OrderStatusName, payment_status_name};

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
pub struct OrderResource<'a> {
    #[schema(value_type = Id)]
    id: String,
    /// What people call the order by, on the telephone or on a parcel: unique, and random, so that it does not tell how many orders
    /// there are. No letters in it look alike.
    #[schema(
        pattern = "^M-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$",
        example = "M-7K3F-29QD"
    )]
    number: &'a str,
    /// The account that ordered.
    #[schema(value_type = Id)]
    user_id: String,
    status: OrderStatusName,
    /// Sum of price times quantity, exact. What is paid is this rounded half-even to the currency's minor unit.
    #[schema(value_type = Amount)]
    total_amount: Money,
    /// Sum of the quantities.
    #[schema(minimum = 1, maximum = 1_000_000, example = 2)]
    total_items: u64,
    /// ISO 4217 code.
    #[schema(
        min_length = 3,
        max_length = 3,
        pattern = "^[A-Z]{3}$",
        example = "EUR"
    )]
    currency: &'a str,
    /// True for `PAID` and `DELIVERED`.
    #[schema(example = true)]
    paid: bool,
    /// When it was paid; null before.
    #[schema(value_type = Option<Timestamp>, required)]
    paid_at: Option<String>,
    /// One line per product, with name and price of the moment it was ordered.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<ItemResource<'a>>,
    /// Present from the payment on; null before.
    #[schema(required)]
    receipt: Option<ReceiptResource<'a>>,
    #[schema(value_type = Timestamp)]
    created_at: String,
    #[schema(value_type = Timestamp)]
    updated_at: String,
    /// Grows by one with every change; the entity tag begins with it.
    #[schema(minimum = 1, example = 2)]
    version: u64,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderItem)]
pub struct ItemResource<'a> {
    #[schema(value_type = Id)]
    product_id: String,
    /// The product's name when it was ordered.
    #[schema(min_length = 1, max_length = 200, example = "Espresso cup")]
    name: &'a str,
    /// Price of one unit when it was ordered.
    #[schema(value_type = Price)]
    price: Money,
    #[schema(minimum = 1, maximum = 10_000, example = 2)]
    quantity: u32,
}

/// Proof that an order was paid.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Receipt)]
pub struct ReceiptResource<'a> {
    #[schema(value_type = Id)]
    id: &'a str,
    /// Where the customer finds it; null when the payment provider gives none.
    #[schema(required, format = "uri", example = "https://pay.example/receipts/1")]
    url: Option<&'a str>,
    #[schema(value_type = Timestamp)]
    issued_at: String,
}

/// Where the customer pays.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentSession)]
pub struct SessionResource<'a> {
    /// The payment provider's id of it.
    #[schema(min_length = 1, example = "cs_test_0123456789abcdef0123456789abcdef")]
    id: &'a str,
    /// Send the customer's browser there.
    #[schema(
        format = "uri",
        example = "http://127.0.0.1:3000/api/v1/payments/mock/checkout/cs_test_0123456789abcdef0123456789abcdef"
    )]
    url: &'a str,
    /// Nobody can pay in it from then on.
    #[schema(value_type = Timestamp)]
    expires_at: String,
}

/// The payment of an order, as far as an order shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderPayment)]
pub struct PaymentResource<'a> {
    #[schema(value_type = Id)]
    id: &'a str,
    status: PaymentStatusName,
    /// True while the money of a `PENDING` payment is on its way, by a bank debit for example: the customer has paid, and
    /// whether it arrives shows in some days.
    processing: bool,
    /// What is paid: the order's total in whole minor units of the currency.
    #[schema(value_type = Amount)]
    amount: Money,
    /// Sum of all refunds that have not failed.
    #[schema(value_type = Amount)]
    refunded_amount: Money,
    /// Sum of all refunds that the payment provider had taken and could not make: the customer does not have that money.
    #[schema(value_type = Amount)]
    failed_refund_amount: Money,
    /// Why the last of these failed, in the provider's words; null without one.
    #[schema(required, example = "lost_or_stolen_card")]
    refund_failure: Option<&'a str>,
    /// Sum of all charges beside the payment's own: the customer has paid for the same order once more. It is given back
    /// without anybody asking.
    #[schema(value_type = Amount)]
    duplicate_amount: Money,
    /// How much of `duplicateAmount` has gone back.
    #[schema(value_type = Amount)]
    duplicate_refunded_amount: Money,
    /// True while a dispute about the payment, a chargeback, is not decided. The order is not delivered until it is.
    disputed: bool,
    /// Sum of all disputes that were lost: the customer's bank has taken it back.
    #[schema(value_type = Amount)]
    lost_to_disputes: Money,
    /// ISO 4217 code.
    #[schema(
        min_length = 3,
        max_length = 3,
        pattern = "^[A-Z]{3}$",
        example = "EUR"
    )]
    currency: &'a str,
    /// Name of the payment provider.
    #[schema(example = "stripe-mock")]
    provider: &'a str,
    /// Where to pay while the payment is pending and not under way; null otherwise.
    #[schema(required)]
    session: Option<SessionResource<'a>>,
    /// Where the customer finds the receipt, once paid.
    #[schema(required, format = "uri", example = "https://pay.example/receipts/1")]
    receipt_url: Option<&'a str>,
    /// Why it failed or was cancelled.
    #[schema(required, example = "the payment was declined")]
    reason: Option<&'a str>,
}

/// A line of an order's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderStatusChange)]
pub struct ChangeResource<'a> {
    /// Null for the order's creation; the same as `to` for a remark.
    #[schema(required)]
    from: Option<OrderStatusName>,
    to: OrderStatusName,
    /// The account that made the change, or `system`.
    #[schema(example = "system")]
    actor: String,
    /// Why, for people.
    #[schema(example = "Payment received")]
    reason: &'a str,
    #[schema(value_type = Timestamp)]
    at: String,
}

/// An order with its payment and its history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderDetails)]
pub struct DetailsResource<'a> {
    #[serde(flatten)]
    order: OrderResource<'a>,
    /// Null while the payment is not opened yet.
    #[schema(required)]
    payment: Option<PaymentResource<'a>>,
    /// Who changed the order when and why, oldest first.
    history: Vec<ChangeResource<'a>>,
}

/// An order that was just placed, and where to pay it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlacedOrder)]
pub struct PlacementResource<'a> {
    /// The order's id.
    #[schema(value_type = Id)]
    id: String,
    /// The order's number.
    #[schema(
        pattern = "^M-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$",
        example = "M-7K3F-29QD"
    )]
    number: &'a str,
    order: OrderResource<'a>,
    payment_session: SessionResource<'a>,
}

impl<'a> From<&'a OrderView> for OrderResource<'a> {
    fn from(order: &'a OrderView) -> Self {
        Self {
            id: order.id.to_string(),
            number: order.number.as_str(),
            user_id: order.customer_id.to_string(),
            status: order.status.into(),
            total_amount: order.total_amount,
            total_items: order.total_items,
            currency: order.currency.code(),
            paid: matches!(order.status, OrderStatus::Paid | OrderStatus::Delivered),
            paid_at: order.paid_at.map(rfc3339),
            items: order.items.iter().map(Into::into).collect(),
            receipt: order.receipt.as_ref().map(Into::into),
            created_at: rfc3339(order.created_at),
            updated_at: rfc3339(order.updated_at),
            version: order.version,
        }
    }
}

impl<'a> From<&'a OrderItem> for ItemResource<'a> {
    fn from(item: &'a OrderItem) -> Self {
        Self {
            product_id: item.product_id.to_string(),
            name: &item.name,
            price: item.unit_price,
            quantity: item.quantity.get(),
        }
    }
}

impl<'a> From<&'a Receipt> for ReceiptResource<'a> {
    fn from(receipt: &'a Receipt) -> Self {
        Self {
            id: &receipt.id,
            url: receipt.url.as_deref(),
            issued_at: rfc3339(receipt.issued_at),
        }
    }
}

impl<'a> From<&'a CheckoutSession> for SessionResource<'a> {
    fn from(session: &'a CheckoutSession) -> Self {
        Self {
            id: &session.id,
            url: &session.url,
            expires_at: rfc3339(session.expires_at),
        }
    }
}

impl<'a> From<&'a StatusChange> for ChangeResource<'a> {
    fn from(change: &'a StatusChange) -> Self {
        Self {
            from: change.from.map(Into::into),
            to: change.to.into(),
            actor: change.actor.name(),
            reason: &change.reason,
            at: rfc3339(change.at),
        }
    }
}

impl<'a> PaymentResource<'a> {
    fn new(payment: &'a Payment) -> Result<Self, Problem> {
        Ok(Self {
            id: &payment.id,
            status: payment_status_name(payment.status),
            processing: payment.processing,
            amount: from_minor(payment.amount, &payment.currency)?,
            refunded_amount: from_minor(payment.refunded_amount, &payment.currency)?,
            failed_refund_amount: from_minor(payment.failed_refund_amount, &payment.currency)?,
            refund_failure: payment.refund_failure.as_deref(),
            duplicate_amount: from_minor(payment.duplicate_amount, &payment.currency)?,
            duplicate_refunded_amount: from_minor(
                payment.duplicate_refunded_amount,
                &payment.currency,
            )?,
            disputed: payment.disputed,
            lost_to_disputes: from_minor(payment.lost_to_disputes, &payment.currency)?,
            currency: &payment.currency,
            provider: &payment.provider,
            session: payment.session.as_ref().map(Into::into),
            receipt_url: payment.receipt_url.as_deref(),
            reason: payment.reason.as_deref(),
        })
    }
}

fn from_minor(minor: i64, currency: &str) -> Result<Money, Problem> {
    let amount = currency
        .parse::<Currency>()
        .and_then(|currency| Money::from_minor(minor, currency));
    amount.map_err(|error| {
        log::error(
            "a payment's amount cannot be shown",
            &[("error", &error.to_string())],
        );
        Problem::internal()
    })
}

/// Several orders.
pub fn resources(orders: &[OrderView]) -> Vec<OrderResource<'_>> {
    orders.iter().map(Into::into).collect()
}

/// 200 with one order and its entity tag.
pub fn reply(order: &OrderView) -> Result<Reply, Problem> {
    Ok(Reply::json(&OrderResource::from(order))?.with_version(order.version, &[]))
}

/// 200 with one order, its payment and its history. The payment changes without a new version of the order, so the
/// tag holds a digest of all that is shown, too.
pub fn details_reply(details: &OrderDetails) -> Result<Reply, Problem> {
    let reply = details_body(details)?;
    let shown = digest(&reply);
    Ok(reply.with_version(details.order.version, &[shown]))
}

/// The digest in the tag of [`details_reply`].
pub fn details_digest(details: &OrderDetails) -> Result<u64, Problem> {
    details_body(details).map(|reply| digest(&reply))
}

fn digest(reply: &Reply) -> u64 {
    let digest = Sha256::digest(reply.body());
    let first = digest.iter().take(size_of::<u64>());
    first.fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn details_body(details: &OrderDetails) -> Result<Reply, Problem> {
    let resource = DetailsResource {
        order: (&details.order).into(),
        payment: details
            .payment
            .as_ref()
            .map(PaymentResource::new)
            .transpose()?,
        history: details.history.iter().map(Into::into).collect(),
    };
    Reply::json(&resource)
}

/// The body of the answer to a new order.
pub fn placement_reply(placement: &Placement) -> Result<Reply, Problem> {
    let Placement { order, session } = placement;
    Reply::json(&PlacementResource {
        id: order.id.to_string(),
        number: order.number.as_str(),
        order: order.into(),
        payment_session: session.into(),
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use mercato_kernel::{AccountId, OrderId, ProductId};
    use orders::domain::{Actor, OrderNumber, PaymentStatus, Quantity};
    use serde_json::{Value, json};

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    /// A paid order with something in every field.
    fn order() -> OrderView {
        let id = OrderId::parse(ID).unwrap();
        OrderView {
            id,
            number: OrderNumber::of_id(id),
            customer_id: AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap(),
            status: OrderStatus::Paid,
            items: vec![OrderItem {
                product_id: ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8059").unwrap(),
                name: "Tea".to_owned(),
                unit_price: Money::from_units(49_950),
                quantity: Quantity::new(2).unwrap(),
            }],
            total_amount: Money::from_units(99_900),
            total_items: 2,
            currency: "EUR".parse().unwrap(),
            receipt: Some(Receipt {
                id: "r".to_owned(),
                url: Some("https://r".to_owned()),
                issued_at: 1_000,
            }),
            paid_at: Some(1_000),
            created_at: 0,
            updated_at: 1_000,
            version: 2,
        }
    }

    fn session() -> CheckoutSession {
        CheckoutSession {
            id: "cs_1".to_owned(),
            url: "https://pay".to_owned(),
            expires_at: 900_000,
        }
    }

    /// That order with a session.
    pub fn placement() -> Placement {
        Placement {
            order: order(),
            session: session(),
        }
    }

    fn json_of(reply: &Reply) -> Value {
        serde_json::from_slice(reply.body()).unwrap()
    }

    fn order_json() -> Value {
        json!({
            "id": ID, "number": "M-084S-N02Q", "userId": "01890a5d-ac96-774b-bcce-b302099a8058", "status": "PAID", "totalAmount": 9.99,
            "totalItems": 2, "currency": "EUR", "paid": true, "paidAt": "1970-01-01T00:00:01.000Z",
            "items": [{
                "productId": "01890a5d-ac96-774b-bcce-b302099a8059", "name": "Tea", "price": 4.995, "quantity": 2,
            }],
            "receipt": {"id": "r", "url": "https://r", "issuedAt": "1970-01-01T00:00:01.000Z"},
            "createdAt": "1970-01-01T00:00:00.000Z", "updatedAt": "1970-01-01T00:00:01.000Z", "version": 2,
        })
    }

    #[test]
    fn an_order_has_the_members_of_the_api() {
        assert_eq!(json_of(&reply(&order()).unwrap()), order_json());
    }

    #[test]
    fn only_paid_and_delivered_orders_are_paid() {
        for (status, paid) in [
            (OrderStatus::Pending, false),
            (OrderStatus::Paid, true),
            (OrderStatus::Delivered, true),
            (OrderStatus::Cancelled, false),
            (OrderStatus::Refunded, false),
        ] {
            assert_eq!(
                json_of(&reply(&OrderView { status, ..order() }).unwrap())["paid"],
                paid
            );
        }
    }

    /// The details of that order with something in every field.
    fn details() -> OrderDetails {
        let payment = Payment {
            id: "p".to_owned(),
            status: PaymentStatus::Succeeded,
            processing: false,
            amount: 999,
            refunded_amount: 50,
            failed_refund_amount: 25,
            refund_failure: Some("expired_or_canceled_card".to_owned()),
            duplicate_amount: 999,
            duplicate_refunded_amount: 998,
            disputed: true,
            lost_to_disputes: 1,
            currency: "EUR".to_owned(),
            provider: "stripe-mock".to_owned(),
            session: None,
            receipt_url: None,
            reason: None,
        };
        let change = StatusChange {
            from: None,
            to: OrderStatus::Pending,
            actor: Actor::System,
            reason: "Order placed".to_owned(),
            at: 0,
        };
        OrderDetails {
            order: order(),
            payment: Some(payment),
            history: vec![change],
        }
    }

    fn tag(details: &OrderDetails) -> String {
        let reply = details_reply(details).unwrap();
        reply.headers()[mercato_edge::header::ETAG]
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn the_tag_of_details_changes_with_anything_that_is_shown() {
        let plain = tag(&details());
        assert_eq!(tag(&details()), plain);
        let digest = details_digest(&details()).unwrap();
        assert_eq!(plain, format!("\"2-{digest}\""));
        let with = |change: fn(&mut OrderDetails)| {
            let mut details = details();
            change(&mut details);
            tag(&details)
        };
        let changed = [
            with(|details| details.order.version += 1),
            with(|details| details.payment = None),
            with(|details| details.payment.as_mut().unwrap().refunded_amount += 1),
            with(|details| details.payment.as_mut().unwrap().reason = Some("late".to_owned())),
            with(|details| details.payment.as_mut().unwrap().session = Some(session())),
            with(|details| details.history.clear()),
        ];
        for (index, tag) in changed.iter().enumerate() {
            assert!(*tag != plain && !changed[..index].contains(tag), "{index}");
        }
    }

    #[test]
    fn details_add_payment_and_history() {
        let mut expected = order_json();
        expected["payment"] = json!({
            "id": "p", "status": "SUCCEEDED", "processing": false, "amount": 9.99, "refundedAmount": 0.5,
            "failedRefundAmount": 0.25, "refundFailure": "expired_or_canceled_card", "duplicateAmount": 9.99,
            "duplicateRefundedAmount": 9.98, "disputed": true, "lostToDisputes": 0.01, "currency": "EUR",
            "provider": "stripe-mock", "session": null, "receiptUrl": null, "reason": null,
        });
        expected["history"] = json!([{
            "from": null, "to": "PENDING", "actor": "system", "reason": "Order placed",
            "at": "1970-01-01T00:00:00.000Z",
        }]);
        assert_eq!(json_of(&details_reply(&details()).unwrap()), expected);
    }

    #[test]
    fn a_placement_shows_where_to_pay() {
        let session_json =
            json!({"id": "cs_1", "url": "https://pay", "expiresAt": "1970-01-01T00:15:00.000Z"});
        let number = "M-084S-N02Q";
        let expected = json!({"id": ID, "number": number, "order": order_json(), "paymentSession": session_json});
        assert_eq!(json_of(&placement_reply(&placement()).unwrap()), expected);
    }
}
