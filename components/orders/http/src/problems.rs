//! What the errors of orders are in HTTP: the whole table.

use mercato_edge::{HeaderValue, Problem, StatusCode, header};
use orders::domain::{
    HolderKind, Limit, LimitReached, Missing, OrderError, RejectedLine, TotalChanged, Transition,
};

use crate::conflict::{ChangedCheckout, ConflictLine, OrderConflict};

/// Pause before a customer should try again to open a payment, in seconds.
const PAYMENT_RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// The problem that a client sees.
pub fn problem(error: OrderError) -> Problem {
    match error {
        OrderError::Invalid(errors) => Problem::validation(errors),
        OrderError::NotFound => Problem::not_found("order"),
        OrderError::Forbidden => {
            Problem::forbidden("of an order's status you may change only PENDING to CANCELLED")
        }
        OrderError::LinesRejected(lines) => lines_rejected("lines-rejected", lines),
        OrderError::LinesUnavailable(lines) => lines_rejected("lines-unavailable", lines),
        OrderError::TotalChanged(changed) => total_changed(changed),
        OrderError::CheckoutNotFound => Problem::not_found("checkout"),
        OrderError::QuoteChanged(shown) => {
            ChangedCheckout::new(*shown).map_or_else(|problem| problem, quote_changed)
        }
        // The use case has looked up what it is now.
        OrderError::QuoteOutdated => Problem::internal(),
        OrderError::QuoteIncomplete(missing) => incomplete(missing),
        OrderError::AlreadyOrdered(order) => Problem::conflict(
            "already-ordered",
            "nothing was ordered: the checkout was ordered before, and that order is paid; open another one",
        )
        .with_members(&OrderConflict {
            ordered_as: Some(order),
            ..OrderConflict::default()
        }),
        OrderError::CheckoutRequired => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "checkout-required",
            "Checkout required",
            "nothing was ordered: this shop takes orders of checkouts alone",
        ),
        OrderError::AlreadyReplaced(other) => Problem::conflict(
            "already-replaced",
            "nothing was ordered: another order has taken the place of the one that was to be replaced",
        )
        .with_members(&OrderConflict {
            replaced_by: Some(other),
            ..OrderConflict::default()
        }),
        OrderError::LimitReached(reached) => limit_reached(&reached),
        OrderError::InvalidTransition(transition) => invalid_transition(transition),
        OrderError::StockReturned => Problem::conflict(
            "stock-returned",
            "the order was refunded and its units are on sale again: they cannot be delivered, refund the payment anew",
        ),
        OrderError::PaymentDisputed => Problem::conflict(
            "payment-disputed",
            "the customer's bank disputes the payment: nothing is delivered until that has been decided",
        ),
        OrderError::VersionMismatch => Problem::precondition_failed(),
        OrderError::IdempotencyKeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "Idempotency key reused",
            "this Idempotency-Key was sent with another body: use a new key for a new order",
        ),
        OrderError::PaymentRefused(reason) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "payment-refused",
            "Payment refused",
            format!(
                "nothing was ordered: the payment provider does not take this payment: {reason}"
            ),
        ),
        OrderError::PaymentUnderWay => Problem::conflict(
            "payment-under-way",
            "the order has been paid, and the money is on its way: the order is paid when it arrives, and cancelled when it does not",
        ),
        OrderError::PaymentUnavailable => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "payment-unavailable",
            "Payment unavailable",
            "the payment could not be reached: send the same request again",
        )
        .with_header(header::RETRY_AFTER, PAYMENT_RETRY_AFTER_SECONDS),
        OrderError::Unavailable => {
            Problem::unavailable("orders cannot be changed at the moment: try again")
        }
        OrderError::Internal => Problem::internal(),
    }
}

fn lines_rejected(code: &'static str, lines: Vec<RejectedLine>) -> Problem {
    let detail = "nothing was ordered: some products are not there in the quantity you asked for";
    let lines = lines
        .into_iter()
        .map(|line| ConflictLine::Rejected(line.into()));
    Problem::conflict(code, detail).with_members(&OrderConflict {
        lines: Some(lines.collect()),
        ..OrderConflict::default()
    })
}

fn total_changed(changed: TotalChanged) -> Problem {
    let (expected, total) = (changed.expected, changed.total);
    let detail = format!(
        "nothing was ordered: the total is {total} by now and not {expected}; show it and ask again"
    );
    let lines = changed.items.into_iter().map(Into::into);
    Problem::conflict("total-changed", detail).with_members(&OrderConflict {
        lines: Some(lines.map(ConflictLine::Priced).collect()),
        total: Some(total.into()),
        expected_total: Some(expected.into()),
        ..OrderConflict::default()
    })
}

fn quote_changed(checkout: ChangedCheckout) -> Problem {
    let detail = "nothing was ordered: the checkout is another one by now, in its price, its address, its note or its codes; show it and ask again";
    Problem::conflict("quote-changed", detail).with_members(&OrderConflict {
        checkout: Some(checkout),
        ..OrderConflict::default()
    })
}

fn incomplete(missing: Vec<Missing>) -> Problem {
    let missing = missing.into_iter().map(Into::into).collect();
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "checkout-incomplete",
        "Checkout incomplete",
        "nothing was ordered: something has to be filled in first",
    )
    .with_members(&OrderConflict {
        missing: Some(missing),
        ..OrderConflict::default()
    })
}

/// Says what to do about it.
fn limit_reached(reached: &LimitReached) -> Problem {
    let max = reached.max;
    let (whose, holder) = match reached.holder {
        HolderKind::Client => ("from your network", "your network"),
        HolderKind::Account => ("of your account", "your account"),
    };
    let problem = match reached.limit {
        Limit::OpenOrders => Problem::conflict(
            "too-many-open-orders",
            format!("{max} orders {whose} wait for their payment: pay or cancel one of them"),
        ),
        Limit::HeldUnits => Problem::conflict(
            "too-many-units-held",
            format!(
                "orders {whose} that wait for their payment hold at most {max} units together: order fewer, or pay or \
                cancel one of them"
            ),
        ),
        Limit::OrdersPerMinute(seconds) => too_many_orders(max, "minute", holder, seconds),
        Limit::OrdersPerDay(seconds) => too_many_orders(max, "day", holder, seconds),
    };
    problem.with_members(&OrderConflict {
        limit: Some(u32::try_from(max).unwrap_or(u32::MAX)),
        ..OrderConflict::default()
    })
}

fn too_many_orders(max: u64, period: &str, holder: &str, retry_after_seconds: u64) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-orders",
        "Too many orders",
        format!("{max} a {period} are taken from {holder}: try again later"),
    )
    .with_header(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds))
}

fn invalid_transition(Transition { from, to }: Transition) -> Problem {
    let detail = format!("an order that is {from} cannot become {to}");
    Problem::conflict("invalid-transition", detail).with_members(&OrderConflict {
        from: Some(from),
        to: Some(to),
        ..OrderConflict::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercato_kernel::{FieldError, OrderId, ProductId};
    use mercato_money::Money;
    use orders::domain::{LineProblem, OrderItem, OrderStatus, Quantity};
    use serde_json::json;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn every_error_has_its_status_and_code() {
        let transition = Transition {
            from: OrderStatus::Paid,
            to: OrderStatus::Cancelled,
        };
        for (error, status, code) in [
            (OrderError::Invalid(vec![]), 400, "validation"),
            (OrderError::NotFound, 404, "not-found"),
            (OrderError::Forbidden, 403, "forbidden"),
            (OrderError::LinesRejected(vec![]), 409, "lines-rejected"),
            (
                OrderError::InvalidTransition(transition),
                409,
                "invalid-transition",
            ),
            (
                OrderError::AlreadyReplaced(OrderId::parse(ID).unwrap()),
                409,
                "already-replaced",
            ),
            (OrderError::CheckoutNotFound, 404, "not-found"),
            (
                OrderError::QuoteIncomplete(vec![Missing::Email]),
                422,
                "checkout-incomplete",
            ),
            (
                OrderError::LinesUnavailable(vec![]),
                409,
                "lines-unavailable",
            ),
            (
                OrderError::AlreadyOrdered(OrderId::parse(ID).unwrap()),
                409,
                "already-ordered",
            ),
            (OrderError::CheckoutRequired, 422, "checkout-required"),
            (OrderError::StockReturned, 409, "stock-returned"),
            (OrderError::PaymentDisputed, 409, "payment-disputed"),
            (OrderError::VersionMismatch, 412, "version-mismatch"),
            (
                OrderError::IdempotencyKeyReused,
                422,
                "idempotency-key-reused",
            ),
            (OrderError::PaymentUnavailable, 503, "payment-unavailable"),
            (OrderError::Unavailable, 503, "unavailable"),
            (OrderError::Internal, 500, "internal"),
        ] {
            let problem = problem(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
        }
    }

    #[test]
    fn a_limit_that_is_reached_says_what_to_do() {
        let of = |limit, holder| {
            problem(OrderError::LimitReached(LimitReached {
                limit,
                holder,
                max: 50,
            }))
        };
        use HolderKind::{Account, Client};
        use Limit::{HeldUnits, OpenOrders, OrdersPerDay, OrdersPerMinute};
        let (open, units, many) = (
            "too-many-open-orders",
            "too-many-units-held",
            "too-many-orders",
        );
        for (limit, holder, retry, status, code, part) in [
            (OpenOrders, Account, None, 409, open, "of your account"),
            (OpenOrders, Client, None, 409, open, "from your network"),
            (HeldUnits, Account, None, 409, units, "order fewer"),
            (OrdersPerMinute(7), Account, Some(7), 429, many, "a minute"),
            (OrdersPerDay(9), Client, Some(9), 429, many, "your network"),
        ] {
            let problem = of(limit, holder);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
            let document = problem.document("/", "r", "t");
            assert_eq!(document["limit"], 50);
            let detail = document["detail"].as_str().unwrap();
            assert!(detail.contains(part) && detail.contains("50"), "{detail}");
            let after = problem.headers().get(header::RETRY_AFTER);
            let after = after.and_then(|value| value.to_str().ok()?.parse().ok());
            assert_eq!(after, retry);
        }
    }

    #[test]
    fn rejected_lines_and_both_states_are_named() {
        let line = RejectedLine {
            product_id: ProductId::parse(ID).unwrap(),
            code: LineProblem::InsufficientStock,
            requested: 3,
            available: 1,
        };
        let document = problem(OrderError::LinesRejected(vec![line])).document("/", "r", "t");
        let expected = json!([
            {"productId": ID, "variantId": ID, "code": "insufficient-stock", "requested": 3, "available": 1},
        ]);
        assert_eq!(document["lines"], expected);

        let transition = Transition {
            from: OrderStatus::Paid,
            to: OrderStatus::Cancelled,
        };
        let document = problem(OrderError::InvalidTransition(transition)).document("/", "r", "t");
        assert_eq!(
            (&document["from"], &document["to"]),
            (&json!("PAID"), &json!("CANCELLED"))
        );
        assert_eq!(
            document["detail"],
            "an order that is PAID cannot become CANCELLED"
        );
    }

    #[test]
    fn a_total_that_has_changed_is_answered_with_its_lines() {
        let changed = TotalChanged {
            expected: Money::from_units(125_000),
            total: Money::from_units(130_000),
            items: vec![OrderItem {
                product_id: ProductId::parse(ID).unwrap(),
                name: "Tea".to_owned(),
                choices: Vec::new(),
                unit_price: Money::from_units(65_000),
                quantity: Quantity::new(2).unwrap(),
            }],
        };
        let problem = problem(OrderError::TotalChanged(changed));
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (409, "total-changed")
        );
        let text = problem.document("/", "r", "t").to_string();
        for part in [
            r#""expectedTotal":12.5"#,
            r#""total":13"#,
            r#""price":6.5"#,
            r#""quantity":2"#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn fields_are_named_as_the_domain_names_them() {
        let message = "quantity must not be less than 1";
        let field = FieldError::new("items[0].quantity", "min", message);
        let document = problem(OrderError::Invalid(vec![field])).document("/", "r", "t");
        assert_eq!(document["errors"][0]["field"], "items[0].quantity");
    }
}
