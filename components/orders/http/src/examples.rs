//! What requests to this adapter and its answers look like, for the OpenAPI document.

use mercato_edge::examples::{Examples, OperationExamples, refusal};
use mercato_edge::story::{
    CANCELLED_ORDER_ID, CANCELLED_ORDER_NUMBER, CHECKOUT_ID, CHECKOUT_URL, CUP_ID, CUP_NAME,
    CUP_PRICE, CUP_PRICE_MINOR, CURRENCY, CUSTOMER_ID, DAY_MS, ORDER_ID, ORDER_NUMBER, PAID_AT,
    PAYMENT_ID, PLACED_AT, QUANTITY, RECEIPT_ID, RECEIPT_URL, RESERVATION_MS, SAUCER_ID,
    SAUCER_NAME, SAUCER_PRICE, SAUCER_STOCK, TOTAL, TOTAL_MINOR,
};
use mercato_edge::{
    BASE_PATH, DEFAULT_PAGE_LIMIT, Fields, Method, PageInfo, Problem, Reply, paged,
};
use serde_json::json;

use crate::bindings::mercato::orders_old::queries::{
    MoneyReceived, OrderDetails, OrderStats, StatusCount,
};
use crate::bindings::mercato::orders_old::types::{
    Limit, LimitReached, LineProblem, Order, OrderError, OrderItem, OrderStatus, PaymentSession,
    PaymentStatus, PaymentSummary, Receipt, RejectedLine, StatusChange, TotalChanged, Transition,
};
use crate::body;
use crate::controllers::list::{parse, unknown_status};
use crate::controllers::stats::StatsResource;
use crate::problems::problem;
use crate::resource::{details_reply, placement_reply, reply, resources};

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
    let placed = placement_reply(&pending(), &session())?
        .created(&format!("{BASE_PATH}/orders/id/{ORDER_ID}"));
    let examples = OperationExamples::of(Method::POST, "/api/v1/orders", &[])
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
        .answer("placed", "Waiting for its payment", &placed)
        .problem(&refusal(
            Fields::parse(br#"{"items": [{"quantity": 0}]}"#).and_then(body::NewOrder::read),
        ));
    let refused = [
        OrderError::LinesRejected(vec![RejectedLine {
            product_id: SAUCER_ID.to_owned(),
            problem: LineProblem::InsufficientStock,
            requested: 4,
            available: SAUCER_STOCK,
        }]),
        OrderError::TotalChanged(TotalChanged {
            expected: 240_000,
            total: TOTAL,
            items: vec![cups()],
        }),
        OrderError::AlreadyReplaced(ORDER_ID.to_owned()),
        OrderError::InvalidTransition(Transition {
            from_status: OrderStatus::Paid,
            to_status: OrderStatus::Cancelled,
        }),
        OrderError::PaymentUnderWay,
        limit(Limit::OpenOrders, MAX_OPEN_ORDERS, None),
        limit(Limit::HeldUnits, MAX_HELD_UNITS, None),
        limit(Limit::OrdersPerMinute, MAX_ORDERS_PER_MINUTE, Some(12)),
        OrderError::IdempotencyKeyReused,
        OrderError::PaymentRefused("the amount must be at least 0.50 EUR".to_owned()),
        OrderError::PaymentUnavailable,
    ];
    Ok(examples.problems(refused.map(problem)))
}

fn limit(limit: Limit, max: u64, retry_after_seconds: Option<u64>) -> OrderError {
    OrderError::LimitReached(LimitReached {
        limit,
        of_client: false,
        max,
        retry_after_seconds,
    })
}

fn list() -> Result<OperationExamples, Problem> {
    let page = page_of(&[paid(), cancelled()])?;
    let wrong = parse(
        mercato_edge::Query::parse("sort=total&limit=0"),
        None,
        false,
    );
    Ok(OperationExamples::of(Method::GET, "/api/v1/orders", &[])
        .answer("orders", "All orders of a customer", &page)
        .problem(&refusal(wrong)))
}

fn list_by_status() -> Result<OperationExamples, Problem> {
    let pattern = "/api/v1/orders/{statusOrId}";
    let page = page_of(&[paid()])?;
    Ok(
        OperationExamples::of(Method::GET, pattern, &[("statusOrId", "PAID")])
            .answer("paid", "The paid orders of a customer", &page)
            .problem(&unknown_status()),
    )
}

fn page_of(orders: &[Order]) -> Result<Reply, Problem> {
    let info = PageInfo {
        total: orders.len() as u64,
        total_is_exact: true,
        page: 1,
        next: None,
    };
    paged(&resources(orders), info, DEFAULT_PAGE_LIMIT)
}

fn find() -> Result<OperationExamples, Problem> {
    let pattern = "/api/v1/orders/id/{id}";
    let examples = OperationExamples::of(Method::GET, pattern, &[("id", ORDER_ID)])
        .answer(
            "paid",
            "Paid",
            &details_reply(&OrderDetails {
                order: paid(),
                payment: Some(succeeded()),
                history: vec![placed(), payment_arrived()],
            })?,
        )
        .answer(
            "pending",
            "Waiting for its payment",
            &details_reply(&OrderDetails {
                order: pending(),
                payment: Some(open()),
                history: vec![placed()],
            })?,
        );
    Ok(examples.problems([OrderError::NotFound].map(problem)))
}

fn change_status() -> Result<OperationExamples, Problem> {
    let pattern = "/api/v1/orders/{statusOrId}";
    let not_a_status =
        Fields::parse(br#"{"status": "SHIPPED"}"#).and_then(body::StatusChange::read);
    let ended = Order {
        status: OrderStatus::Cancelled,
        updated_at: PLACED_AT + 30_000,
        version: 2,
        ..pending()
    };
    let delivered = Order {
        status: OrderStatus::Delivered,
        updated_at: PLACED_AT + 2 * DAY_MS,
        version: 3,
        ..paid()
    };
    let examples = OperationExamples::of(Method::PATCH, pattern, &[("statusOrId", ORDER_ID)])
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
        .answer("cancelled", "Cancelled", &reply(&ended)?)
        .answer("delivered", "Delivered", &reply(&delivered)?)
        .problem(&refusal(not_a_status));
    let refused = [
        OrderError::Forbidden,
        OrderError::NotFound,
        OrderError::InvalidTransition(Transition {
            from_status: OrderStatus::Paid,
            to_status: OrderStatus::Cancelled,
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
    let count = |status, orders| StatusCount { status, orders };
    let gross = 30 * TOTAL_MINOR;
    let stats = OrderStats {
        by_status: vec![
            count(OrderStatus::Pending, 2),
            count(OrderStatus::Paid, 24),
            count(OrderStatus::Delivered, 5),
            count(OrderStatus::Cancelled, 4),
            count(OrderStatus::Refunded, 1),
        ],
        by_currency: vec![MoneyReceived {
            currency: CURRENCY.to_owned(),
            gross,
            refunded: CUP_PRICE_MINOR,
            lost_to_disputes: TOTAL_MINOR,
            net: gross - CUP_PRICE_MINOR - TOTAL_MINOR,
        }],
        currency: CURRENCY.to_owned(),
    };
    let answer = Reply::json(&StatsResource::from(stats))?;
    Ok(
        OperationExamples::of(Method::GET, "/api/v1/orders/stats", &[]).answer(
            "stats",
            "After thirty payments",
            &answer,
        ),
    )
}

fn cups() -> OrderItem {
    OrderItem {
        product_id: CUP_ID.to_owned(),
        name: CUP_NAME.to_owned(),
        unit_price: CUP_PRICE,
        quantity: QUANTITY,
    }
}

/// The order when it was placed.
fn pending() -> Order {
    Order {
        id: ORDER_ID.to_owned(),
        number: ORDER_NUMBER.to_owned(),
        customer_id: CUSTOMER_ID.to_owned(),
        status: OrderStatus::Pending,
        items: vec![cups()],
        total_amount: TOTAL,
        total_items: QUANTITY.into(),
        currency: CURRENCY.to_owned(),
        receipt: None,
        paid_at: None,
        created_at: PLACED_AT,
        updated_at: PLACED_AT,
        version: 1,
    }
}

/// The order when it was paid.
fn paid() -> Order {
    Order {
        status: OrderStatus::Paid,
        receipt: Some(Receipt {
            id: RECEIPT_ID.to_owned(),
            url: Some(RECEIPT_URL.to_owned()),
            issued_at: PAID_AT,
        }),
        paid_at: Some(PAID_AT),
        updated_at: PAID_AT,
        version: 2,
        ..pending()
    }
}

/// An order that the customer did not want after all.
fn cancelled() -> Order {
    let created_at = PLACED_AT - 200_000;
    Order {
        id: CANCELLED_ORDER_ID.to_owned(),
        number: CANCELLED_ORDER_NUMBER.to_owned(),
        status: OrderStatus::Cancelled,
        items: vec![
            OrderItem {
                quantity: 1,
                ..cups()
            },
            OrderItem {
                product_id: SAUCER_ID.to_owned(),
                name: SAUCER_NAME.to_owned(),
                unit_price: SAUCER_PRICE,
                quantity: 1,
            },
        ],
        total_amount: CUP_PRICE + SAUCER_PRICE,
        total_items: 2,
        created_at,
        updated_at: created_at + 60_000,
        version: 2,
        ..pending()
    }
}

fn session() -> PaymentSession {
    PaymentSession {
        id: CHECKOUT_ID.to_owned(),
        url: CHECKOUT_URL.to_owned(),
        expires_at: PLACED_AT + RESERVATION_MS,
    }
}

/// The payment when the order was placed.
fn open() -> PaymentSummary {
    PaymentSummary {
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
fn succeeded() -> PaymentSummary {
    PaymentSummary {
        status: PaymentStatus::Succeeded,
        session: None,
        receipt_url: Some(RECEIPT_URL.to_owned()),
        ..open()
    }
}

fn placed() -> StatusChange {
    StatusChange {
        from_status: None,
        to_status: OrderStatus::Pending,
        actor: CUSTOMER_ID.to_owned(),
        reason: "Order placed".to_owned(),
        at: PLACED_AT,
    }
}

fn payment_arrived() -> StatusChange {
    StatusChange {
        from_status: Some(OrderStatus::Pending),
        to_status: OrderStatus::Paid,
        actor: "system".to_owned(),
        reason: "Payment succeeded".to_owned(),
        at: PAID_AT,
    }
}
