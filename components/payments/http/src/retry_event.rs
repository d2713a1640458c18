use mercato_edge::{Json, Path, Problem, endpoint};
use mercato_kernel::EventId;
use mercato_platform::log;
use payments::application::commands::retry_event;
use payments::domain::PaymentError;
use payments::instance;

use crate::problems::problem;
use crate::resource::EntryResource;

/// Try an event again
///
/// Takes a parked event up again, due at once. Mend the cause first: `lastError` names it.
#[endpoint(
    POST "/api/v1/payments/outbox/{eventId}/retry", access = Admin, tag = "Payments", id = "retryOutboxEvent",
    returns = "The event, under way again",
    404 = "No such event is under way",
)]
pub async fn retry_event(Path(event_id): Path<EventId>) -> Result<Json<EntryResource>, Problem> {
    log::record("event_id", &event_id.text());
    let entry = match retry_event::handle(&*instance(), retry_event::Command { event_id }).await {
        Ok(entry) => entry,
        Err(PaymentError::NotFound) => return Err(not_under_way()),
        Err(error) => return Err(problem(error)),
    };
    log::record("order_id", &entry.event.order_id.text());
    EntryResource::new(entry.into()).map(Json)
}

/// 404 for an event that is not under way.
pub fn not_under_way() -> Problem {
    Problem::not_found("event under way")
}
