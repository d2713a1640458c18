use mercato_edge::{BodyRule, Problem, RawBody, Reply, endpoint};
use mercato_payment_events::{EventReference, MESSAGE_MAX_BYTES};
use mercato_platform::log;
use orders::application::commands::apply_payment_event;
use orders::domain::{EventOutcome, OrderError};
use serde_json::json;

use crate::problems::problem;

/// A payment event from payments, where there is no broker between the two; it is applied before the answer
///
/// Nothing of the message is believed but the ids that it names: what is applied is what payments has under them. 500 says that the
/// event is at fault, which payments has been told, and 503 that all events have to wait.
#[endpoint(
    POST "/internal/events", access = Public,
    body = BodyRule::required(&["application/json"], MESSAGE_MAX_BYTES as u64),
)]
pub async fn events(RawBody(message): RawBody) -> Result<Reply, Problem> {
    let EventReference { id, subject } =
        EventReference::from_cloud_event_json(&message).map_err(|error| {
            log::warn(
                "a message that is no payment event was dropped",
                &[("error", &error.to_string())],
            );
            Problem::bad_request("invalid-event", "the body is not a payment event")
        })?;
    let orders = orders::instance().await.map_err(problem)?;
    let outcome = apply_payment_event::handle_named(&*orders, &id, &subject)
        .await
        .map_err(|error| refusal(&error))?;
    Reply::json(&json!({ "outcome": name(outcome) }))
}

/// Only whether waiting helps: the cause is in the log, and payments has been told of a fault.
fn refusal(error: &OrderError) -> Problem {
    if error.passes_by_itself() {
        problem(OrderError::Unavailable)
    } else {
        Problem::internal()
    }
}

const fn name(outcome: EventOutcome) -> &'static str {
    match outcome {
        EventOutcome::Applied => "applied",
        EventOutcome::Duplicate => "duplicate",
        EventOutcome::Ignored => "ignored",
        EventOutcome::Unconfirmed => "unconfirmed",
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::{Access, StatusCode};

    use super::*;

    #[test]
    fn events_come_by_a_path_that_is_internal() {
        assert_eq!(EVENTS.pattern, "/internal/events");
        assert_eq!(EVENTS.access, Access::Public);
    }

    #[test]
    fn only_what_passes_by_itself_makes_other_events_wait() {
        for (error, status) in [
            (OrderError::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
            (
                OrderError::PaymentUnavailable,
                StatusCode::SERVICE_UNAVAILABLE,
            ),
            (OrderError::NotFound, StatusCode::INTERNAL_SERVER_ERROR),
            (OrderError::Internal, StatusCode::INTERNAL_SERVER_ERROR),
        ] {
            assert_eq!(refusal(&error).status(), status, "{error:?}");
        }
    }
}
