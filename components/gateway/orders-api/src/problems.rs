//! What the errors of orders are in HTTP: the whole table.

use mercato_edge::{FieldError, HeaderValue, Id, Problem, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::bindings::mercato::orders::types::{LineProblem, OrderError, RejectedLine, Transition};
use crate::status::order_status_name;

/// Pause before a customer should try again to open a payment, in seconds.
const PAYMENT_RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// The problem that a client sees.
pub fn problem(error: OrderError) -> Problem {
    match error {
        OrderError::Invalid(fields) => {
            let named = fields
                .into_iter()
                .map(|error| FieldError::new(error.field, error.code, error.message));
            Problem::validation(named.collect())
        }
        OrderError::NotFound => Problem::not_found("order"),
        OrderError::Forbidden => {
            Problem::forbidden("of an order's status you may change only PENDING to CANCELLED")
        }
        OrderError::LinesRejected(lines) => lines_rejected(&lines),
        OrderError::InvalidTransition(transition) => invalid_transition(&transition),
        OrderError::VersionMismatch => Problem::precondition_failed(),
        OrderError::IdempotencyKeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "Idempotency key reused",
            "this Idempotency-Key was sent with another body: use a new key for a new order",
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

/// A line that cannot be served.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RejectedLine)]
pub struct LineDocument<'a> {
    #[schema(value_type = Id)]
    product_id: &'a str,
    code: LineCode,
    /// Units asked for, lines of the same product together.
    #[schema(minimum = 1, maximum = 10_000, example = 3)]
    requested: u32,
    /// Units there are; 0 for an unknown product.
    #[schema(minimum = 0, example = 1)]
    available: u64,
}

/// Why a line cannot be served.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RejectedLineCode, example = "insufficient-stock")]
pub enum LineCode {
    UnknownProduct,
    InsufficientStock,
}

fn lines_rejected(lines: &[RejectedLine]) -> Problem {
    let detail = "nothing was ordered: some products are not there in the quantity you asked for";
    let lines: Vec<LineDocument<'_>> = lines.iter().map(line).collect();
    Problem::conflict("lines-rejected", detail).with_member("lines", json!(lines))
}

fn line(line: &RejectedLine) -> LineDocument<'_> {
    LineDocument {
        product_id: &line.product_id,
        code: match line.problem {
            LineProblem::UnknownProduct => LineCode::UnknownProduct,
            LineProblem::InsufficientStock => LineCode::InsufficientStock,
        },
        requested: line.requested,
        available: line.available,
    }
}

fn invalid_transition(transition: &Transition) -> Problem {
    let (from, to) = (
        order_status_name(transition.from_status),
        order_status_name(transition.to_status),
    );
    Problem::conflict(
        "invalid-transition",
        format!("an order that is {from} cannot become {to}"),
    )
    .with_member("from", from.into())
    .with_member("to", to.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::mercato::orders::types::{self, OrderStatus};

    #[test]
    fn every_error_has_its_status_and_code() {
        let transition = Transition {
            from_status: OrderStatus::Paid,
            to_status: OrderStatus::Cancelled,
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
    fn rejected_lines_and_both_states_are_named() {
        let line = RejectedLine {
            product_id: "p".to_owned(),
            problem: LineProblem::InsufficientStock,
            requested: 3,
            available: 1,
        };
        let document = problem(OrderError::LinesRejected(vec![line])).document("/", "r", "t");
        let expected = json!([{"productId": "p", "code": "insufficient-stock", "requested": 3, "available": 1}]);
        assert_eq!(document["lines"], expected);

        let transition = Transition {
            from_status: OrderStatus::Paid,
            to_status: OrderStatus::Cancelled,
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
    fn fields_are_named_as_the_domain_names_them() {
        let field = types::FieldError {
            field: "items[0].quantity".to_owned(),
            code: "min".to_owned(),
            message: "quantity must not be less than 1".to_owned(),
        };
        let document = problem(OrderError::Invalid(vec![field])).document("/", "r", "t");
        assert_eq!(document["errors"][0]["field"], "items[0].quantity");
    }
}
