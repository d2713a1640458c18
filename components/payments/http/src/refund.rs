#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{
    Accepted, Amount, Answer, Context, Either, ExpectedVersion, IdempotencyKey, Json, Path,
    Problem, Recorded, Replayed, Reply, Tagged, endpoint,
};
use mercato_kernel::{Caller, PaymentId, RecordedAnswer};
use mercato_money::Currency;
use mercato_platform::log;
use payments::application::commands::{RefundOutcome, record_refund_answer, refund_payment};
use payments::application::queries;
use payments::domain::{MinorUnits, PaymentError};
use payments::instance;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::RefundRequest;
use crate::problems::problem;
use crate::resource::{PaymentResource, decimal, tagged};

/// Give money back
///
/// Gives back a part of a paid amount, or without an `amount` all that is left; the order follows by itself.
/// With an `Idempotency-Key` it is safe to send the request again when the answer got lost.
#[endpoint(
    POST "/api/v1/payments/{id}/refund", access = Admin, tag = "Payments", id = "refundPayment",
    returns = "The payment with the refund",
    202: Accepted<Tagged<PaymentResource>> = "The payment before the refund: it is written down, and the payment provider, who does \
        not answer now, is asked again until it does",
    404 = "No such payment",
    409: RefundConflict = "The payment is not paid, or the amount is more than what is left: `refundable` then says \
        how much that is",
    422 = "The `Idempotency-Key` was sent with another request",
    502 = "The payment provider refused the refund for good",
)]
pub async fn refund(
    context: Context,
    caller: Caller,
    Path(id): Path<PaymentId>,
    IdempotencyKey(key): IdempotencyKey,
    ExpectedVersion(version): ExpectedVersion,
    request: Option<Json<RefundRequest>>,
) -> Result<Either<Recorded<Refunded>, Accepted<Tagged<PaymentResource>>>, Problem> {
    log::record("payment_id", &id.text());
    let request = request.map(|Json(request)| request).unwrap_or_default();
    let instance = instance();
    let payment = queries::find_payment(&*instance, &caller, id).map_err(problem)?;
    log::record("order_id", &payment.order_id.text());
    let command = refund_payment::Command {
        requested_by: caller,
        payment_id: id,
        amount: request.minor_units(payment.currency)?,
        reason: request.reason,
        idempotency_key: key.clone(),
        expected_version: version,
    };
    let answer = match refund_payment::handle(&*instance, command).await {
        Ok(RefundOutcome::Replayed(answer)) => answer,
        Ok(RefundOutcome::Refunded(refunded)) => {
            let answer = Recorded::record(Refunded(tagged(refunded)?))?;
            keep(&caller, key, answer)?
        }
        Err(PaymentError::ProviderUnavailable) => {
            let waiting = queries::find_payment(&*instance, &caller, id);
            let waiting = tagged(waiting.map_err(problem)?)?;
            return Ok(Either::Other(Accepted(waiting)));
        }
        Err(error @ PaymentError::ProviderRejected(_)) if key.is_some() => {
            keep(&caller, key, context.refusal(&problem(error)))?
        }
        Err(PaymentError::RefundExceedsAmount(left)) => {
            return Err(exceeds(left, payment.currency)?);
        }
        Err(error) => return Err(problem(error)),
    };
    Ok(Either::First(answer.into()))
}

/// The answer of a refund that has ended, kept under its key if it has one: what was kept first is what is answered.
fn keep(
    caller: &Caller,
    key: Option<String>,
    answer: RecordedAnswer,
) -> Result<RecordedAnswer, Problem> {
    let Some(key) = key else {
        return Ok(answer);
    };
    let command = record_refund_answer::Command {
        requested_by: *caller,
        key: &key,
        answer,
    };
    record_refund_answer::handle(&*instance(), command).map_err(problem)
}

/// A payment after a refund.
#[derive(Debug)]
pub struct Refunded(pub Tagged<PaymentResource>);

impl Answer for Refunded {
    const STATUS: u16 = Tagged::<PaymentResource>::STATUS;

    fn into_reply(self) -> Result<Reply, Problem> {
        self.0.into_reply()
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(description: &mut Description, status: u16, meaning: &str) {
        Tagged::<PaymentResource>::describe(description, status, meaning);
    }
}

impl Replayed for Refunded {
    fn replay(reply: Reply) -> Reply {
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        match serde_json::from_slice(reply.body()) {
            Ok(Versioned { version }) => reply.with_version(version, &[]),
            Err(_) => reply,
        }
    }
}

/// A problem that says how much can still be refunded.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundConflict {
    /// With `refund-exceeds-amount`: what is left of the payment.
    #[schema(required = false)]
    refundable: Amount,
}

/// The problem of a refund of more than what is left.
///
/// # Errors
/// 500 when that cannot be written as a decimal number.
pub fn exceeds(left: MinorUnits, currency: Currency) -> Result<Problem, Problem> {
    let refundable = decimal(left, currency)?.into();
    let problem = problem(PaymentError::RefundExceedsAmount(left));
    Ok(problem.with_members(&RefundConflict { refundable }))
}

#[cfg(test)]
mod tests {
    use mercato_edge::StatusCode;

    use super::*;
    use crate::resource::tests::pending;

    fn again(answer: RecordedAnswer) -> Reply {
        Recorded::<Refunded>::from(answer).into_reply().unwrap()
    }

    #[test]
    fn an_answer_is_given_again_with_its_tag() {
        let refunded = || Refunded(tagged(pending()).unwrap());
        let first = refunded().into_reply().unwrap();
        let again = again(Recorded::record(refunded()).unwrap());
        assert_eq!(format!("{again:?}"), format!("{first:?}"));
    }

    #[test]
    fn a_refusal_is_kept_as_the_problem_it_was() {
        let problem = problem(PaymentError::ProviderRejected("no".to_owned()));
        let again = again(Context::default().refusal(&problem));
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
