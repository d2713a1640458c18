use mercato_edge::{Context, Problem, ProblemDocument, Reply};
use mercato_platform::log;

use payments::application::commands;
use payments::domain::PaymentError;
use payments::instance;

use crate::parameters::EventId;
use crate::problems::problem;
use crate::resource::EntryResource;

/// `POST /payments/outbox/{eventId}/retry`: publishes a parked event again.
#[utoipa::path(
    post,
    path = "/api/v1/payments/outbox/{eventId}/retry",
    tag = "Payments",
    operation_id = "retryOutboxEvent",
    summary = "Try an event again",
    description = "Takes a parked event up again, due at once. Mend the cause first: `lastError` names it.",
    params(EventId),
    responses(
        (status = 200, description = "The event, under way again", body = EntryResource),
        (status = 404, description = "No such event is under way", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn retry_event(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let id = context.id("eventId")?;
    log::record("event_id", &id);
    match commands::retry_event::handle(&*instance(), &id).await {
        Ok(entry) => {
            log::record("order_id", &entry.event.order_id);
            Reply::json(&EntryResource::new(&entry)?)
        }
        Err(PaymentError::NotFound) => Err(not_under_way()),
        Err(error) => Err(problem(error)),
    }
}

/// 404 for an event that is not under way.
pub fn not_under_way() -> Problem {
    Problem::not_found("event under way")
}
