use mercato_edge::{
    Context, Fields, IdempotencyKey, IfMatch, Problem, ProblemDocument, Reply, StatusCode,
};
use mercato_money::Money;
use mercato_platform::log;
use serde::Deserialize;
use serde_json::{Value, json};

use super::viewer;
use crate::bindings::mercato::payments_old::commands::{self, RecordedAnswer, RefundOutcome};
use crate::bindings::mercato::payments_old::queries;
use crate::bindings::mercato::payments_old::types::{Payment, PaymentError, Viewer};
use crate::body::Refund;
use crate::parameters::PaymentId;
use crate::problems::problem;
use crate::resource::{PaymentResource, currency, decimal, reply};
use crate::schemas::RefundConflictDocument;

/// `POST /payments/{id}/refund`: 200 with the payment as it is then; 202 when the provider does not answer, and the
/// refund is tried again until it does. Without an amount, or without any body, all that is left goes back.
/// `Idempotency-Key` makes repeating safe: once a refund has ended, it is answered again byte for byte.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{id}/refund",
    tag = "Payments",
    operation_id = "refundPayment",
    summary = "Give money back",
    description = "Gives back a part of a paid amount, or without an `amount` all that is left; the order follows by itself. \
        With an `Idempotency-Key` it is safe to send the request again when the answer got lost.",
    params(PaymentId, IdempotencyKey, IfMatch),
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
        (status = 412, description = "The payment is not what the tag in `If-Match` stands for any more", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "The `Idempotency-Key` was sent with another request", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 502, description = "The payment provider refused the refund for good", body = ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn refund(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.id("id")?;
    log::record("payment_id", &id);
    let key = context.idempotency_key()?;
    let version = context.expected_version()?;
    let request = Refund::read(if context.body().is_empty() {
        Fields::parse(b"{}")?
    } else {
        context.json()?
    })?;
    let viewer = viewer(&context)?;
    let payment = queries::find(viewer.clone(), id.clone())
        .await
        .map_err(problem)?;
    log::record("order_id", &payment.order_id);
    let amount = request.minor_units(currency(&payment.currency)?)?;
    let (who, reason) = (viewer.clone(), request.reason);
    match commands::refund(who, id.clone(), amount, reason, key.clone(), version).await {
        Ok(RefundOutcome::Replayed(answer)) => Ok(replay(answer)),
        Ok(RefundOutcome::Refunded(refunded)) => keep(viewer, key, made(&refunded)?).await,
        Err(PaymentError::ProviderUnavailable) => {
            let waiting = queries::find(viewer, id).await.map_err(problem)?;
            Ok(reply(&waiting)?.with_status(StatusCode::ACCEPTED))
        }
        Err(error @ PaymentError::ProviderRejected(_)) if key.is_some() => {
            keep(viewer, key, refusal(&context, &problem(error))).await
        }
        Err(PaymentError::RefundExceedsAmount(left)) => {
            let refundable = decimal(left, &payment.currency)?;
            Err(exceeds(left, refundable))
        }
        Err(error) => Err(problem(error)),
    }
}

/// The answer of a refund that has ended, kept under its key if it has one.
async fn keep(
    viewer: Viewer,
    key: Option<String>,
    answer: RecordedAnswer,
) -> Result<Reply, Problem> {
    Ok(replay(match key {
        Some(key) => commands::record_refund_answer(viewer, key, answer)
            .await
            .map_err(problem)?,
        None => answer,
    }))
}

fn made(refunded: &Payment) -> Result<RecordedAnswer, Problem> {
    let reply = reply(refunded)?;
    Ok(RecordedAnswer {
        status: reply.status().as_u16(),
        body: reply.body().to_vec(),
    })
}

fn refusal(context: &Context, problem: &Problem) -> RecordedAnswer {
    RecordedAnswer {
        status: problem.status().as_u16(),
        body: context.refusal(problem),
    }
}

#[derive(Deserialize)]
struct Refunded {
    version: u64,
}

/// An answer with the entity tag of the payment that it shows.
fn replay(answer: RecordedAnswer) -> Reply {
    let refunded: Option<Refunded> = serde_json::from_slice(&answer.body).ok();
    let reply = Reply::recorded(answer.status, answer.body);
    match refunded {
        Some(refunded) => reply.with_version(refunded.version, &[]),
        None => reply,
    }
}

/// The problem names what can still be refunded.
pub fn exceeds(left: i64, refundable: Money) -> Problem {
    let number = serde_json::to_value(refundable).unwrap_or(Value::Null);
    problem(PaymentError::RefundExceedsAmount(left)).with_member("refundable", json!(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::pending;

    #[test]
    fn an_answer_is_given_again_with_its_tag() {
        let first = reply(&pending()).unwrap();
        let again = replay(made(&pending()).unwrap());
        assert_eq!(format!("{again:?}"), format!("{first:?}"));
    }

    #[test]
    fn a_refusal_is_kept_as_the_problem_it_was() {
        let problem = problem(PaymentError::ProviderRejected("no".to_owned()));
        let again = replay(refusal(&Context::default(), &problem));
        assert_eq!(again.status(), StatusCode::BAD_GATEWAY);
        let debug = format!("{again:?}");
        assert!(debug.contains("application/problem+json") && !debug.contains("etag"));
    }

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
