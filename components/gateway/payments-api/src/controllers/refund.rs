use mercato_edge::{Context, Fields, IdempotencyKey, Problem, ProblemDocument, Reply, StatusCode};
use mercato_money::Money;
use mercato_platform::log;
use serde_json::{Value, json};

use super::viewer;
use crate::bindings::mercato::payments::types::PaymentError;
use crate::bindings::mercato::payments::{commands, queries};
use crate::body::Refund;
use crate::parameters::PaymentId;
use crate::problems::problem;
use crate::resource::{PaymentResource, currency, decimal, reply};
use crate::schemas::RefundConflictDocument;

/// `POST /payments/{id}/refund`: 200 with the payment as it is then; 202 when the provider does not answer, and the
/// refund is tried again until it does. Without an amount, or without any body, all that is left goes back.
/// `Idempotency-Key` makes repeating safe.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{id}/refund",
    tag = "Payments",
    operation_id = "refundPayment",
    summary = "Give money back",
    description = "Gives back a part of a paid amount, or without an `amount` all that is left; the order follows by itself. \
        With an `Idempotency-Key` it is safe to send the request again when the answer got lost.",
    params(PaymentId, IdempotencyKey),
    request_body = Refund,
    responses(
        (status = 200, description = "The payment with the refund", body = PaymentResource,
            headers(("ETag" = String, description = "The payment's version"))),
        (status = 202, description = "The payment before the refund: it is written down, and the payment provider, who does \
            not answer now, is asked again until it does", body = PaymentResource,
            headers(("ETag" = String, description = "The payment's version"))),
        (status = 404, description = "No such payment", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The payment is not paid, or the amount is more than what is left: `refundable` then says \
            how much that is", body = RefundConflictDocument, content_type = "application/problem+json"),
        (status = 422, description = "The `Idempotency-Key` was sent with another request", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 502, description = "The payment provider refused the refund for good", body = ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn refund(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.id("id")?;
    log::learn("payment_id", &id);
    let key = context.idempotency_key()?;
    let request = Refund::read(if context.body().is_empty() {
        Fields::parse(b"{}")?
    } else {
        context.json()?
    })?;
    let viewer = viewer(&context)?;
    let payment = queries::find(viewer.clone(), id.clone())
        .await
        .map_err(problem)?;
    log::learn("order_id", &payment.order_id);
    let amount = request.minor_units(currency(&payment.currency)?)?;
    match commands::refund(id.clone(), amount, request.reason, key).await {
        Ok(refunded) => reply(&refunded),
        Err(PaymentError::ProviderUnavailable) => {
            let waiting = queries::find(viewer, id).await.map_err(problem)?;
            Ok(reply(&waiting)?.with_status(StatusCode::ACCEPTED))
        }
        Err(PaymentError::RefundExceedsAmount(left)) => {
            let refundable = decimal(left, &payment.currency)?;
            Err(exceeds(left, refundable))
        }
        Err(error) => Err(problem(error)),
    }
}

/// The problem names what can still be refunded.
fn exceeds(left: i64, refundable: Money) -> Problem {
    let number = serde_json::to_value(refundable).unwrap_or(Value::Null);
    problem(PaymentError::RefundExceedsAmount(left)).with_member("refundable", json!(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refund_that_is_too_large_is_told_what_is_left() {
        let left: Money = "9.99".parse().unwrap();
        let document = exceeds(999, left).document("/", "r", "t");
        assert_eq!(
            (
                document["status"].as_u64(),
                document["refundable"].to_string()
            ),
            (Some(409), "9.99".to_owned())
        );
    }
}
