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
use mercato_kernel::{AccountId, OrderId, ProductId};
use mercato_money::Money;
use orders::application::commands::create_order::Placement;
use orders::application::queries::find_order::OrderDetails;
use orders::application::queries::order_stats::{MoneyReceived, OrderStats};
use orders::domain::{
    Actor, CheckoutSession, HolderKind, Limit, LimitReached, LineProblem, OrderError, OrderItem,
    OrderNumber, OrderStatus, OrderView, Payment, PaymentStatus, Quantity, Receipt, ReceiptId,
    RejectedLine, StatusChange, TotalChanged, Transition,
};
use serde_json::json;

use crate::body::{NewOrder, StatusChange as StatusPatch};
use crate::change_status::CHANGE_STATUS;
use crate::create::{CREATE, Placed, placed as placed_order};
use crate::find::FIND;
use crate::list::{LIST, LIST_BY_STATUS, ListQuery, ListedStatus};
use crate::problems::problem;
use crate::resource::{OrderResource, tagged, tagged_details};
use crate::stats::{STATS, StatsResource};

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
        session: session(),
    };
    let placed = Recorded::<Placed>::from(Recorded::record(placed_order(placement))?);
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
        .answer("placed", "Waiting for its payment", placed)?
        .problem(&refusal(from_json::<NewOrder>(
            r#"{"items": [{"quantity": 0}]}"#,
        )));
    let refused = [
        OrderError::LinesRejected(vec![RejectedLine {
            product_id: known(ProductId::parse(SAUCER_ID))?,
            code: LineProblem::InsufficientStock,
            requested: 4,
            available: SAUCER_STOCK,
        }]),
        OrderError::TotalChanged(TotalChanged {
            expected: Money::from_units(240_000),
            total: Money::from_units(TOTAL),
            items: vec![cups()?],
        }),
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
    Paged::of(only_page(orders), |order| Ok(order.into()))
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
        .answer("cancelled", "Cancelled", tagged(ended))?
        .answer("delivered", "Delivered", tagged(delivered))?
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
        unit_price: Money::from_units(CUP_PRICE),
        quantity: known(Quantity::new(QUANTITY).ok_or(()))?,
    })
}

/// The order when it was placed.
fn pending() -> Result<OrderView, Problem> {
    Ok(OrderView {
        id: known(OrderId::parse(ORDER_ID))?,
        number: known(OrderNumber::parse(ORDER_NUMBER))?,
        customer_id: known(AccountId::parse(CUSTOMER_ID))?,
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
