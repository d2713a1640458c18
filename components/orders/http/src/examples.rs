//! What requests to this adapter and its answers look like, for the OpenAPI document.

use mercato_edge::examples::{
    Examples, OperationExamples, from_json, from_path, from_query, only_page, refusal,
};
use mercato_edge::story::{
    CANCELLED_ORDER_ID, CANCELLED_ORDER_NUMBER, CHECKOUT_ID, CHECKOUT_URL, CUP_ID, CUP_NAME,
    CUP_PRICE, CUP_PRICE_MINOR, CURRENCY, CUSTOMER_ID, DAY_MS, ORDER_ID, ORDER_NUMBER, PAID_AT,
    PAYMENT_ID, PLACED_AT, QUANTITY, RECEIPT_ID, RECEIPT_URL, RESERVATION_MS, SAUCER_ID,
    SAUCER_NAME, SAUCER_PRICE, SAUCER_STOCK, TOTAL, TOTAL_MINOR,
};
use mercato_edge::{Json, Paged, Problem, Recorded};
use mercato_kernel::{AccountId, CheckoutId, OrderId, ProductId};
use mercato_money::Money;
use orders::application::commands::create_order::Placement;
use orders::application::queries::find_order::OrderDetails;
use orders::application::queries::order_stats::{MoneyReceived, OrderStats};
use orders::domain::{
    Actor, Address, CheckoutSession, HolderKind, Limit, LimitReached, LineProblem, Message,
    Missing, OrderError, OrderItem, OrderNumber, OrderStatus, OrderToken, OrderView, OrderedQuote,
    Payment, PaymentStatus, PriceChange, Quantity, Quote, QuotedOrder, Receipt, ReceiptId,
    RejectedLine, ShownQuote, StatusChange, TotalChanged, Transition,
};
use serde_json::json;

use crate::body::{OrderBody, StatusChange as StatusPatch};
use crate::change_status::CHANGE_STATUS;
use crate::create::{CREATE, Placed, placed as placed_order};
use crate::find::FIND;
use crate::list::{LIST, LIST_BY_STATUS, ListQuery, ListedStatus};
use crate::problems::problem;
use crate::resource::{OrderResource, tagged, tagged_details};
use crate::stats::{STATS, StatsResource};

/// The order of a guest.
const GUESTS_ORDER_ID: &str = "019ca8bb-b5c0-705d-b379-9e8d57826849";

/// Its number.
const GUESTS_ORDER_NUMBER: &str = "M-3C9P-KD41";

/// Their checkout.
const SHOPPING_ID: &str = "01890a5d-ac96-774b-bcce-b302099a80c0";

/// Its quote.
const QUOTE: &str = "q_4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// The guest's way back to the order.
const ORDER_TOKEN: &str = "guest_7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5";

/// How long the quote holds, in milliseconds.
const QUOTE_LIFE_MS: u64 = 30 * 60_000;

/// Orders of an account that may wait for their payment; the default of the domain.
const MAX_OPEN_ORDERS: u64 = 50;

/// Units of an account that they may hold together; the default of the domain.
const MAX_HELD_UNITS: u64 = 10_000;

/// Orders that an account may place in a minute; the default of the domain.
const MAX_ORDERS_PER_MINUTE: u64 = 120;

/// The examples of all operations.
///
/// # Errors
/// What makes an answer fails, which the document's tests find out.
pub fn examples() -> Result<Examples, Problem> {
    Ok(Examples::default()
        .with(create()?)
        .with(list()?)
        .with(list_by_status()?)
        .with(find()?)
        .with(change_status()?)
        .with(stats()?))
}

fn create() -> Result<OperationExamples, Problem> {
    let line = json!({"productId": CUP_ID, "quantity": QUANTITY});
    let placement = Placement {
        order: pending()?,
        session: Some(session()),
    };
    let placed = Recorded::<Placed>::from(Recorded::record(placed_order(placement, None)?)?);
    let of_guest = Placement {
        order: quoted()?,
        session: Some(session()),
    };
    let token = OrderToken::new(ORDER_TOKEN.to_owned());
    let of_guest = Recorded::record(placed_order(of_guest, Some(&token))?)?;
    let of_guest = Recorded::<Placed>::from(of_guest);
    let examples = CREATE
        .examples(&[])
        .request("cups", "Two cups", json!({"items": [line]}))
        .request(
            "expected-total",
            "Two cups, for what the customer saw",
            json!({"items": [line], "expectedTotal": 25}),
        )
        .request(
            "replaces",
            "Two cups in place of an older order",
            json!({"items": [line], "replaces": CANCELLED_ORDER_ID}),
        )
        .request(
            "of-checkout",
            "A checkout, as its customer saw it",
            json!({"checkout": SHOPPING_ID, "quote": QUOTE}),
        )
        .answer("placed", "Waiting for its payment", placed)?
        .answer(
            "of-guest",
            "A guest's checkout, waiting for its payment",
            of_guest,
        )?
        .problem(&refusal(from_json::<OrderBody>(
            r#"{"items": [{"quantity": 0}]}"#,
        )));
    let too_few = RejectedLine {
        product_id: known(ProductId::parse(SAUCER_ID))?,
        code: LineProblem::InsufficientStock,
        requested: 4,
        available: SAUCER_STOCK,
    };
    let refused = [
        OrderError::LinesRejected(vec![too_few.clone()]),
        OrderError::LinesUnavailable(vec![too_few]),
        OrderError::TotalChanged(TotalChanged {
            expected: Money::from_units(240_000),
            total: Money::from_units(TOTAL),
            items: vec![cups()?],
        }),
        OrderError::CheckoutNotFound,
        OrderError::QuoteChanged(Box::new(dearer())),
        OrderError::QuoteIncomplete(vec![Missing::Email]),
        OrderError::AlreadyOrdered(known(OrderId::parse(ORDER_ID))?),
        OrderError::CheckoutRequired,
        OrderError::AlreadyReplaced(known(OrderId::parse(ORDER_ID))?),
        OrderError::InvalidTransition(Transition {
            from: OrderStatus::Paid,
            to: OrderStatus::Cancelled,
        }),
        OrderError::PaymentUnderWay,
        limit(Limit::OpenOrders, MAX_OPEN_ORDERS),
        limit(Limit::HeldUnits, MAX_HELD_UNITS),
        limit(Limit::OrdersPerMinute(12), MAX_ORDERS_PER_MINUTE),
        OrderError::IdempotencyKeyReused,
        OrderError::PaymentRefused("the amount must be at least 0.50 EUR".to_owned()),
        OrderError::PaymentUnavailable,
    ];
    Ok(examples.problems(refused.map(problem)))
}

/// What a constant says, which is well-formed.
fn known<T, E>(parsed: Result<T, E>) -> Result<T, Problem> {
    parsed.map_err(|_| Problem::internal())
}

fn limit(limit: Limit, max: u64) -> OrderError {
    OrderError::LimitReached(LimitReached {
        limit,
        holder: HolderKind::Account,
        max,
    })
}

fn list() -> Result<OperationExamples, Problem> {
    let page = page_of(vec![paid()?, cancelled()?])?;
    let wrong = from_query::<ListQuery>("sort=total&limit=0");
    Ok(LIST
        .examples(&[])
        .answer("orders", "All orders of a customer", page)?
        .problem(&refusal(wrong)))
}

fn list_by_status() -> Result<OperationExamples, Problem> {
    let page = page_of(vec![paid()?])?;
    let wrong = from_path::<ListedStatus>("statusOrId", "OPEN");
    Ok(LIST_BY_STATUS
        .examples(&[("statusOrId", "PAID")])
        .answer("paid", "The paid orders of a customer", page)?
        .problem(&refusal(wrong)))
}

fn page_of(orders: Vec<OrderView>) -> Result<Paged<OrderResource>, Problem> {
    Paged::of(only_page(orders), TryInto::try_into)
}

fn find() -> Result<OperationExamples, Problem> {
    let paid = OrderDetails {
        order: paid()?,
        payment: Some(succeeded()),
        history: vec![placed()?, payment_arrived()],
    };
    let pending = OrderDetails {
        order: pending()?,
        payment: Some(open()),
        history: vec![placed()?],
    };
    Ok(FIND
        .examples(&[("id", ORDER_ID)])
        .answer("paid", "Paid", tagged_details(paid)?)?
        .answer(
            "pending",
            "Waiting for its payment",
            tagged_details(pending)?,
        )?
        .problem(&problem(OrderError::NotFound)))
}

fn change_status() -> Result<OperationExamples, Problem> {
    let ended = OrderView {
        status: OrderStatus::Cancelled,
        updated_at: PLACED_AT + 30_000,
        version: 2,
        ..pending()?
    };
    let delivered = OrderView {
        status: OrderStatus::Delivered,
        updated_at: PLACED_AT + 2 * DAY_MS,
        version: 3,
        ..paid()?
    };
    let examples = CHANGE_STATUS
        .examples(&[("statusOrId", ORDER_ID)])
        .request(
            "cancel",
            "A customer cancels",
            json!({"status": "CANCELLED", "reason": "Ordered twice"}),
        )
        .request(
            "deliver",
            "An admin has delivered",
            json!({"status": "DELIVERED"}),
        )
        .answer("cancelled", "Cancelled", tagged(ended)?)?
        .answer("delivered", "Delivered", tagged(delivered)?)?
        .problem(&refusal(from_json::<StatusPatch>(
            r#"{"status": "SHIPPED"}"#,
        )));
    let refused = [
        OrderError::Forbidden,
        OrderError::NotFound,
        OrderError::InvalidTransition(Transition {
            from: OrderStatus::Paid,
            to: OrderStatus::Cancelled,
        }),
        OrderError::StockReturned,
        OrderError::PaymentDisputed,
        OrderError::PaymentUnderWay,
        OrderError::VersionMismatch,
        OrderError::PaymentUnavailable,
    ];
    Ok(examples.problems(refused.map(problem)))
}

fn stats() -> Result<OperationExamples, Problem> {
    let gross = 30 * TOTAL_MINOR;
    let stats = OrderStats {
        by_status: vec![
            (OrderStatus::Pending, 2),
            (OrderStatus::Paid, 24),
            (OrderStatus::Delivered, 5),
            (OrderStatus::Cancelled, 4),
            (OrderStatus::Refunded, 1),
        ],
        by_currency: vec![MoneyReceived {
            currency: CURRENCY.to_owned(),
            gross,
            refunded: CUP_PRICE_MINOR,
            lost_to_disputes: TOTAL_MINOR,
        }],
        currency: known(CURRENCY.parse())?,
    };
    let answer = Json(StatsResource::try_from(stats)?);
    STATS
        .examples(&[])
        .answer("stats", "After thirty payments", answer)
}

fn cups() -> Result<OrderItem, Problem> {
    Ok(OrderItem {
        product_id: known(ProductId::parse(CUP_ID))?,
        name: CUP_NAME.to_owned(),
        choices: Vec::new(),
        unit_price: Money::from_units(CUP_PRICE),
        quantity: known(Quantity::new(QUANTITY).ok_or(()))?,
    })
}

/// The order when it was placed.
fn pending() -> Result<OrderView, Problem> {
    Ok(OrderView {
        id: known(OrderId::parse(ORDER_ID))?,
        number: known(OrderNumber::parse(ORDER_NUMBER))?,
        customer_id: known(AccountId::parse(CUSTOMER_ID))?.into(),
        quote: None,
        status: OrderStatus::Pending,
        items: vec![cups()?],
        total_amount: Money::from_units(TOTAL),
        total_items: QUANTITY.into(),
        currency: known(CURRENCY.parse())?,
        receipt: None,
        paid_at: None,
        created_at: PLACED_AT,
        updated_at: PLACED_AT,
        version: 1,
    })
}

/// The order when it was paid.
fn paid() -> Result<OrderView, Problem> {
    Ok(OrderView {
        status: OrderStatus::Paid,
        receipt: Some(Receipt {
            id: known(ReceiptId::parse(RECEIPT_ID))?,
            url: Some(RECEIPT_URL.to_owned()),
            issued_at: PAID_AT,
        }),
        paid_at: Some(PAID_AT),
        updated_at: PAID_AT,
        version: 2,
        ..pending()?
    })
}

/// An order that the customer did not want after all.
fn cancelled() -> Result<OrderView, Problem> {
    let created_at = PLACED_AT - 200_000;
    let one = known(Quantity::new(1).ok_or(()))?;
    let saucer = OrderItem {
        product_id: known(ProductId::parse(SAUCER_ID))?,
        name: SAUCER_NAME.to_owned(),
        choices: Vec::new(),
        unit_price: Money::from_units(SAUCER_PRICE),
        quantity: one,
    };
    let cup = OrderItem {
        quantity: one,
        ..cups()?
    };
    Ok(OrderView {
        id: known(OrderId::parse(CANCELLED_ORDER_ID))?,
        number: known(OrderNumber::parse(CANCELLED_ORDER_NUMBER))?,
        status: OrderStatus::Cancelled,
        items: vec![cup, saucer],
        total_amount: Money::from_units(CUP_PRICE + SAUCER_PRICE),
        total_items: 2,
        created_at,
        updated_at: created_at + 60_000,
        version: 2,
        ..pending()?
    })
}

/// The quote of the story, as it was shown before the order.
fn quote() -> Quote {
    Quote {
        id: QUOTE.to_owned(),
        expires_at: PLACED_AT + QUOTE_LIFE_MS,
        ..mercato_quote_view::examples::quote()
    }
}

/// The checkout of the story at a price that was another one when it was shown last.
fn dearer() -> ShownQuote {
    let change = PriceChange {
        line: 0,
        was: 119_000,
        now: 125_000,
    };
    ShownQuote {
        quote: quote(),
        messages: vec![Message::PriceChanged(change)],
        email: Some("ada@example.com".to_owned()),
        shipping_address: Some(vienna()),
        billing_address: None,
    }
}

fn vienna() -> Address {
    Address {
        name: "Ada Lovelace".to_owned(),
        company: None,
        line1: "Ring 1".to_owned(),
        line2: None,
        postal_code: Some("1010".to_owned()),
        city: Some("Wien".to_owned()),
        region: None,
        country: "AT".to_owned(),
        phone: None,
    }
}

/// The order of a guest whose checkout it was.
fn quoted() -> Result<OrderView, Problem> {
    let content = QuotedOrder {
        quote: quote(),
        email: "ada@example.com".to_owned(),
        shipping_address: vienna(),
        billing_address: None,
        note: Some("Please ring twice".to_owned()),
        metadata: vec![("gift".to_owned(), "yes".to_owned())],
    };
    let checkout = known(CheckoutId::parse(SHOPPING_ID))?;
    let hash = OrderToken::new(ORDER_TOKEN.to_owned()).hash();
    let quote = OrderedQuote::new(checkout, Some(hash), content).map_err(problem)?;
    Ok(OrderView {
        id: known(OrderId::parse(GUESTS_ORDER_ID))?,
        number: known(OrderNumber::parse(GUESTS_ORDER_NUMBER))?,
        customer_id: checkout.into(),
        total_amount: quote.total(),
        quote: Some(Box::new(quote)),
        ..pending()?
    })
}

fn session() -> CheckoutSession {
    CheckoutSession {
        id: CHECKOUT_ID.to_owned(),
        url: CHECKOUT_URL.to_owned(),
        expires_at: PLACED_AT + RESERVATION_MS,
    }
}

/// The payment when the order was placed.
fn open() -> Payment {
    Payment {
        id: PAYMENT_ID.to_owned(),
        status: PaymentStatus::Pending,
        processing: false,
        amount: TOTAL_MINOR,
        refunded_amount: 0,
        failed_refund_amount: 0,
        refund_failure: None,
        duplicate_amount: 0,
        duplicate_refunded_amount: 0,
        disputed: false,
        lost_to_disputes: 0,
        currency: CURRENCY.to_owned(),
        provider: "stripe-mock".to_owned(),
        session: Some(session()),
        receipt_url: None,
        reason: None,
    }
}

/// The payment when it was made.
fn succeeded() -> Payment {
    Payment {
        status: PaymentStatus::Succeeded,
        session: None,
        receipt_url: Some(RECEIPT_URL.to_owned()),
        ..open()
    }
}

fn placed() -> Result<StatusChange, Problem> {
    Ok(StatusChange {
        from: None,
        to: OrderStatus::Pending,
        actor: Actor::Account(known(AccountId::parse(CUSTOMER_ID))?),
        reason: "Order placed".to_owned(),
        at: PLACED_AT,
    })
}

fn payment_arrived() -> StatusChange {
    StatusChange {
        from: Some(OrderStatus::Pending),
        to: OrderStatus::Paid,
        actor: Actor::System,
        reason: "Payment succeeded".to_owned(),
        at: PAID_AT,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_example_is_of_what_is_described() {
        let document = mercato_edge::openapi::document(crate::ROUTES, super::examples().unwrap());
        assert_eq!(document.err(), None);
    }
}
