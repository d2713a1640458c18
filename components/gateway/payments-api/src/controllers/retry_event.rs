use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::payments::outbox;
use crate::bindings::mercato::payments::types::PaymentError;
use crate::problems::problem;
use crate::resource::EntryResource;

/// `POST /payments/outbox/{eventId}/retry`: takes a parked event up again.
pub async fn retry_event(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    match outbox::retry(context.id("eventId")?).await {
        Ok(entry) => Reply::json(&EntryResource::new(&entry)?),
        Err(PaymentError::NotFound) => Err(Problem::not_found("event under way")),
        Err(error) => Err(problem(error)),
    }
}
