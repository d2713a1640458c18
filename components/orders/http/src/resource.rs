//! Orders as clients see them.

use mercato_edge::{Amount, CurrencyCode, Listed, Problem, Reply, Tagged, Timestamp};
use mercato_kernel::{AccountId, OrderId};
use orders::application::commands::create_order::Placement;
use orders::application::queries::find_order::OrderDetails;
use orders::domain::{
    OrderNumber, OrderStatus, OrderToken, OrderView, Receipt, ReceiptId, StatusChange,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::line::ItemResource;
use crate::payment::{PaymentResource, SessionResource};
use crate::quote::CheckoutResource;

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
pub struct OrderResource {
    id: OrderId,
    /// What people call the order by, on the telephone or on a parcel: unique, and random, so that it does not tell how many orders
    /// there are. No letters in it look alike.
    #[schema(
        value_type = String,
        pattern = "^M-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$",
        example = "M-7K3F-29QD"
    )]
    number: OrderNumber,
    /// The account that ordered; null for a guest's order.
    #[schema(required)]
    user_id: Option<AccountId>,
    status: OrderStatus,
    /// Sum of price times quantity, exact; what is paid is this rounded half-even to the currency's minor unit. Of an order that was a
    /// checkout, the total of its quote, which is what is paid.
    total_amount: Amount,
    /// Sum of the quantities.
    #[schema(minimum = 1, maximum = 1_000_000, example = 2)]
    total_items: u64,
    currency: CurrencyCode,
    /// True for `PAID` and `DELIVERED`.
    #[schema(example = true)]
    paid: bool,
    /// When it was paid; null before.
    #[schema(required)]
    paid_at: Option<Timestamp>,
    /// One line per product, with name and price of the moment it was ordered.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<ItemResource>,
    /// Only of an order that was a checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    checkout: Option<CheckoutResource>,
    /// Present from the payment on; null before.
    #[schema(required)]
    receipt: Option<ReceiptResource>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Grows by one with every change; the entity tag begins with it.
    #[schema(minimum = 1, example = 2)]
    version: u64,
}

/// Proof that an order was paid.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Receipt)]
pub struct ReceiptResource {
    id: ReceiptId,
    /// Where the customer finds it; null when the payment provider gives none.
    #[schema(required, format = "uri", example = "https://pay.example/receipts/1")]
    url: Option<String>,
    issued_at: Timestamp,
}

/// A line of an order's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderStatusChange)]
pub struct ChangeResource {
    /// Null for the order's creation; the same as `to` for a remark.
    #[schema(required)]
    from: Option<OrderStatus>,
    to: OrderStatus,
    /// The account that made the change, `guest`, or `system`.
    #[schema(example = "system")]
    actor: String,
    /// Why, for people.
    #[schema(example = "Payment received")]
    reason: String,
    at: Timestamp,
}

/// An order with its payment and its history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderDetails)]
pub struct DetailsResource {
    #[serde(flatten)]
    order: OrderResource,
    /// Null while the payment is not opened yet.
    #[schema(required)]
    payment: Option<PaymentResource>,
    /// Who changed the order when and why, oldest first.
    history: Vec<ChangeResource>,
}

/// An order that was just placed, and where to pay it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlacedOrder)]
pub struct PlacementResource {
    /// The order's id.
    id: OrderId,
    /// The order's number.
    #[schema(
        value_type = String,
        pattern = "^M-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$",
        example = "M-7K3F-29QD"
    )]
    number: OrderNumber,
    order: OrderResource,
    /// Absent when there is nothing to pay: the order is `PAID` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    payment_session: Option<SessionResource>,
    /// For a guest: the only way back to the order, as a bearer token. Keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        example = "guest_7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5"
    )]
    order_token: Option<String>,
}

impl TryFrom<OrderView> for OrderResource {
    type Error = Problem;

    fn try_from(order: OrderView) -> Result<Self, Problem> {
        let quote = order.quote.as_deref();
        let checkout = quote.map(CheckoutResource::new).transpose()?;
        Ok(Self {
            user_id: order.account(),
            checkout,
            id: order.id,
            number: order.number,
            status: order.status,
            total_amount: order.total_amount.into(),
            total_items: order.total_items,
            currency: CurrencyCode(order.currency),
            paid: matches!(order.status, OrderStatus::Paid | OrderStatus::Delivered),
            paid_at: order.paid_at.map(Timestamp),
            items: order.items.into_iter().map(Into::into).collect(),
            receipt: order.receipt.map(Into::into),
            created_at: Timestamp(order.created_at),
            updated_at: Timestamp(order.updated_at),
            version: order.version,
        })
    }
}

impl Listed for OrderResource {
    const PAGE: &'static str = "OrderPage";
    const MEANING: &'static str = "One page of orders.";
    const ORDER: &'static str = "In the order that `sort` says.";
}

impl From<Receipt> for ReceiptResource {
    fn from(receipt: Receipt) -> Self {
        Self {
            id: receipt.id,
            url: receipt.url,
            issued_at: Timestamp(receipt.issued_at),
        }
    }
}

impl From<StatusChange> for ChangeResource {
    fn from(change: StatusChange) -> Self {
        Self {
            from: change.from,
            to: change.to,
            actor: change.actor.name(),
            reason: change.reason,
            at: Timestamp(change.at),
        }
    }
}

impl TryFrom<OrderDetails> for DetailsResource {
    type Error = Problem;

    fn try_from(details: OrderDetails) -> Result<Self, Problem> {
        Ok(Self {
            order: details.order.try_into()?,
            payment: details.payment.map(TryInto::try_into).transpose()?,
            history: details.history.into_iter().map(Into::into).collect(),
        })
    }
}

impl PlacementResource {
    /// An order that was just placed, for its customer: a guest gets the token.
    ///
    /// # Errors
    /// 500 when an amount cannot be shown.
    pub fn new(placement: Placement, token: Option<&OrderToken>) -> Result<Self, Problem> {
        let Placement { order, session } = placement;
        Ok(Self {
            id: order.id,
            number: order.number.clone(),
            order: order.try_into()?,
            payment_session: session.map(Into::into),
            order_token: token.map(|token| token.expose().to_owned()),
        })
    }
}

/// One order and its entity tag.
///
/// # Errors
/// 500 when an amount cannot be shown.
pub fn tagged(order: OrderView) -> Result<Tagged<OrderResource>, Problem> {
    let version = order.version;
    Ok(Tagged::new(order.try_into()?, version))
}

/// One order, its payment and its history. The payment changes without a new version of the order, so the tag holds a
/// digest of all that is shown, too.
pub fn tagged_details(details: OrderDetails) -> Result<Tagged<DetailsResource>, Problem> {
    let version = details.order.version;
    let shown = details.try_into()?;
    let digest = digest(&shown)?;
    Ok(Tagged::new(shown, version).and(&[digest]))
}

/// The digest in the tag of [`tagged_details`].
pub fn digest(shown: &DetailsResource) -> Result<u64, Problem> {
    let digest = Sha256::digest(Reply::json(shown)?.body());
    let first = digest.iter().take(size_of::<u64>());
    Ok(first.fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

#[cfg(test)]
pub mod tests {
    use mercato_edge::{Answer, header};
    use mercato_kernel::ProductId;
    use mercato_money::Money;
    use orders::domain::{
        Actor, CheckoutSession, Choice, OrderItem, Payment, PaymentStatus, Quantity,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::create::placed;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn account() -> AccountId {
        AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap()
    }

    /// A paid order with something in every field.
    fn order() -> OrderView {
        let id = OrderId::parse(ID).unwrap();
        OrderView {
            id,
            number: OrderNumber::of_id(id),
            customer_id: account().into(),
            quote: None,
            status: OrderStatus::Paid,
            items: vec![OrderItem {
                product_id: ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8059").unwrap(),
                name: "Tea".to_owned(),
                choices: vec![Choice {
                    name: "Size".to_owned(),
                    value: "250 g".to_owned(),
                }],
                unit_price: Money::from_units(49_950),
                quantity: Quantity::new(2).unwrap(),
            }],
            total_amount: Money::from_units(99_900),
            total_items: 2,
            currency: "EUR".parse().unwrap(),
            receipt: Some(Receipt {
                id: ReceiptId::parse(ID).unwrap(),
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
            session: Some(session()),
        }
    }

    fn json_of(answer: impl Answer) -> Value {
        serde_json::from_slice(answer.into_reply().unwrap().body()).unwrap()
    }

    fn order_json() -> Value {
        json!({
            "id": ID, "number": "M-084S-N02Q", "userId": "01890a5d-ac96-774b-bcce-b302099a8058", "status": "PAID", "totalAmount": 9.99,
            "totalItems": 2, "currency": "EUR", "paid": true, "paidAt": "1970-01-01T00:00:01.000Z",
            "items": [{
                "productId": "01890a5d-ac96-774b-bcce-b302099a8059", "variantId": "01890a5d-ac96-774b-bcce-b302099a8059",
                "name": "Tea", "options": [{"name": "Size", "value": "250 g"}], "price": 4.995, "quantity": 2,
            }],
            "receipt": {"id": ID, "url": "https://r", "issuedAt": "1970-01-01T00:00:01.000Z"},
            "createdAt": "1970-01-01T00:00:00.000Z", "updatedAt": "1970-01-01T00:00:01.000Z", "version": 2,
        })
    }

    #[test]
    fn an_order_has_the_members_of_the_api() {
        assert_eq!(json_of(tagged(order()).unwrap()), order_json());
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
                json_of(tagged(OrderView { status, ..order() }).unwrap())["paid"],
                paid
            );
        }
    }

    /// The details of that order with something in every field.
    fn details() -> OrderDetails {
        let payment = Payment {
            id: ID.to_owned(),
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

    fn tag(details: OrderDetails) -> String {
        let reply = tagged_details(details).unwrap().into_reply().unwrap();
        reply.headers()[header::ETAG].to_str().unwrap().to_owned()
    }

    #[test]
    fn the_tag_of_details_changes_with_anything_that_is_shown() {
        let plain = tag(details());
        assert_eq!(tag(details()), plain);
        let digest = digest(&details().try_into().unwrap()).unwrap();
        assert_eq!(plain, format!("\"2-{digest}\""));
        let with = |change: fn(&mut OrderDetails)| {
            let mut details = details();
            change(&mut details);
            tag(details)
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
            "id": ID, "status": "SUCCEEDED", "processing": false, "amount": 9.99, "refundedAmount": 0.5,
            "failedRefundAmount": 0.25, "refundFailure": "expired_or_canceled_card", "duplicateAmount": 9.99,
            "duplicateRefundedAmount": 9.98, "disputed": true, "lostToDisputes": 0.01, "currency": "EUR",
            "provider": "stripe-mock", "session": null, "receiptUrl": null, "reason": null,
        });
        expected["history"] = json!([{
            "from": null, "to": "PENDING", "actor": "system", "reason": "Order placed",
            "at": "1970-01-01T00:00:00.000Z",
        }]);
        assert_eq!(json_of(tagged_details(details()).unwrap()), expected);
    }

    #[test]
    fn a_placement_shows_where_to_pay() {
        let session_json =
            json!({"id": "cs_1", "url": "https://pay", "expiresAt": "1970-01-01T00:15:00.000Z"});
        let number = "M-084S-N02Q";
        let expected = json!({"id": ID, "number": number, "order": order_json(), "paymentSession": session_json});
        assert_eq!(json_of(placed(placement(), None).unwrap()), expected);
        let token = OrderToken::new("guest_a".to_owned());
        let free = Placement {
            session: None,
            ..placement()
        };
        let shown = json_of(placed(free, Some(&token)).unwrap());
        assert_eq!(shown["orderToken"], "guest_a");
        assert_eq!(shown.get("paymentSession"), None);
    }
}
