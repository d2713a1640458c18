//! What errors of payments are in HTTP: the whole table.

use mercato_edge::{Problem, StatusCode};
use payments::domain::PaymentError;

/// The problem that a client sees.
pub fn problem(error: PaymentError) -> Problem {
    match error {
        PaymentError::Invalid(errors) => Problem::validation(errors),
        PaymentError::NotFound => Problem::not_found("payment"),
        PaymentError::Conflict(status) => {
            let detail = format!("the payment is {status}, which does not allow this");
            Problem::conflict("conflict", detail)
        }
        PaymentError::UnderWay => Problem::conflict(
            "payment-under-way",
            "the customer has paid, and the money is on its way: there is nothing to pay until it has arrived or failed",
        ),
        PaymentError::SessionEnded => Problem::conflict(
            "conflict",
            "the session has ended: open a new one from the order",
        ),
        PaymentError::VersionMismatch => Problem::precondition_failed(),
        PaymentError::RefundExceedsAmount(_) => {
            let detail = "the refund is more than what is left of the payment: read it and choose a smaller amount";
            Problem::conflict("refund-exceeds-amount", detail)
        }
        PaymentError::IdempotencyKeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "Idempotency key reused",
            "this Idempotency-Key was used for another request: choose a new one for a new request",
        ),
        PaymentError::InvalidSignature => Problem::bad_request(
            "invalid-signature",
            "the Stripe-Signature header does not sign this body, or not recently enough",
        ),
        PaymentError::MalformedEvent => Problem::bad_request(
            "malformed-event",
            "the event cannot be read, or does not fit the payment it speaks of",
        ),
        PaymentError::ProviderUnavailable => {
            Problem::unavailable("the payment provider did not answer: try again")
        }
        PaymentError::ProviderRejected(_) => Problem::new(
            StatusCode::BAD_GATEWAY,
            "provider-rejected",
            "Bad gateway",
            "the payment provider refused the request",
        ),
        PaymentError::NotSupported => Problem::not_found("page with this payment provider"),
        PaymentError::Unavailable => {
            Problem::unavailable("payments cannot be changed at the moment: try again")
        }
        PaymentError::Internal => Problem::internal(),
    }
}

#[cfg(test)]
mod tests {
    use payments::domain::{MinorUnits, PaymentStatus};

    use super::*;

    #[test]
    fn every_error_has_its_status_and_code() {
        for (error, status, code) in [
            (PaymentError::Invalid(vec![]), 400, "validation"),
            (PaymentError::NotFound, 404, "not-found"),
            (PaymentError::VersionMismatch, 412, "version-mismatch"),
            (PaymentError::UnderWay, 409, "payment-under-way"),
            (PaymentError::SessionEnded, 409, "conflict"),
            (
                PaymentError::Conflict(PaymentStatus::Refunded),
                409,
                "conflict",
            ),
            (
                PaymentError::RefundExceedsAmount(MinorUnits::ZERO),
                409,
                "refund-exceeds-amount",
            ),
            (
                PaymentError::IdempotencyKeyReused,
                422,
                "idempotency-key-reused",
            ),
            (PaymentError::InvalidSignature, 400, "invalid-signature"),
            (PaymentError::MalformedEvent, 400, "malformed-event"),
            (PaymentError::ProviderUnavailable, 503, "unavailable"),
            (
                PaymentError::ProviderRejected("no".to_owned()),
                502,
                "provider-rejected",
            ),
            (PaymentError::NotSupported, 404, "not-found"),
            (PaymentError::Unavailable, 503, "unavailable"),
            (PaymentError::Internal, 500, "internal"),
        ] {
            let problem = problem(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
        }
    }

    #[test]
    fn what_the_provider_says_is_not_passed_on() {
        let problem = problem(PaymentError::ProviderRejected("sk_live_1".to_owned()));
        assert!(
            !problem
                .document("/", "r", "t")
                .to_string()
                .contains("sk_live")
        );
    }

    #[test]
    fn a_conflict_names_the_status() {
        let problem = problem(PaymentError::Conflict(PaymentStatus::Refunded));
        let document = problem.document("/", "r", "t");
        assert_eq!(
            document["detail"],
            "the payment is REFUNDED, which does not allow this"
        );
    }
}
