use mercato_edge::{
    Context, Fields, IdempotencyKey, IfMatch, Problem, ProblemDocument, Reply, StatusCode,
};
use mercato_kernel::Caller;
use mercato_money::Currency;
use mercato_platform::log;
use payments::application::commands::{self, RefundCommand, RefundOutcome};
use payments::application::queries;
use payments::domain::{MinorUnits, PaymentError, PaymentView, RecordedAnswer};
use payments::instance;
use serde::Deserialize;
use serde_json::Value;

use crate::body::Refund;
use crate::parameters::PaymentId;
use crate::problems::problem;
use crate::resource::{PaymentResource, decimal, reply};
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
    context.query_string().finish()?;
    let id = context.id("id")?;
    log::record("payment_id", &id);
    let key = context.idempotency_key()?;
    let version = context.expected_version()?;
    let request = Refund::read(if context.body().is_empty() {
        Fields::parse(b"{}")?
    } else {
        context.json()?
    })?;
    let (instance, caller) = (instance(), context.caller()?);
    let payment = queries::find_payment(&*instance, &caller, &id).map_err(problem)?;
    log::record("order_id", &payment.order_id);
    let command = RefundCommand {
        requested_by: caller,
        payment_id: id.clone(),
        amount: request.minor_units(payment.currency)?,
        reason: request.reason,
        idempotency_key: key.clone(),
        expected_version: version,
    };
    match commands::refund_payment::handle(&*instance, command).await {
        Ok(RefundOutcome::Replayed(answer)) => Ok(replay(answer)),
        Ok(RefundOutcome::Refunded(refunded)) => keep(&caller, key, made(&refunded)?),
        Err(PaymentError::ProviderUnavailable) => {
            let waiting = queries::find_payment(&*instance, &caller, &id).map_err(problem)?;
            Ok(reply(&waiting)?.with_status(StatusCode::ACCEPTED))
        }
        Err(error @ PaymentError::ProviderRejected(_)) if key.is_some() => {
            keep(&caller, key, refusal(&context, &problem(error)))
        }
        Err(PaymentError::RefundExceedsAmount(left)) => Err(exceeds(left, payment.currency)?),
        Err(error) => Err(problem(error)),
    }
}

/// The answer of a refund that has ended, kept under its key if it has one.
fn keep(caller: &Caller, key: Option<String>, answer: RecordedAnswer) -> Result<Reply, Problem> {
    let Some(key) = key else {
        return Ok(replay(answer));
    };
    commands::record_refund_answer::handle(&*instance(), caller, &key, answer)
        .map(replay)
        .map_err(problem)
}

fn made(refunded: &PaymentView) -> Result<RecordedAnswer, Problem> {
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
///
/// # Errors
/// 500 when that cannot be written as a decimal number.
pub fn exceeds(left: MinorUnits, currency: Currency) -> Result<Problem, Problem> {
    let refundable = serde_json::to_value(decimal(left, currency)?).unwrap_or(Value::Null);
    let problem = problem(PaymentError::RefundExceedsAmount(left));
    Ok(problem.with_member("refundable", refundable))
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
        let left = MinorUnits::new(999).unwrap();
        let problem = exceeds(left, "USD".parse().unwrap()).unwrap();
        let document = problem.document("/", "r", "t");
        assert_eq!(
            (
                document["status"].as_u64(),
                document["refundable"].to_string()
            ),
            (Some(409), "9.99".to_owned())
        );
    }
}
