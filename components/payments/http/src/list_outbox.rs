use mercato_edge::{Context, OutboxLag, PageParameters, Problem, Reply};
use payments::application::queries;
use payments::instance;
use serde::Serialize;

use crate::page;
use crate::problems::problem;
use crate::resource::{EntryResource, lag_resource};
use crate::schemas::PageDocument;

/// What the list says besides its entries.
#[derive(Debug, Serialize)]
pub struct OutboxState {
    /// How far it is behind.
    pub lag: OutboxLag,
}

/// `GET /payments/outbox`: events under way and parked, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/payments/outbox",
    tag = "Payments",
    operation_id = "listOutbox",
    summary = "List events under way",
    description = "What orders has not been told yet, oldest first, parked events too, and how far that is behind as a whole. Empty when all is well.",
    params(PageParameters),
    responses((status = 200, description = "One page of events", body = PageDocument))
)]
pub async fn list_outbox(context: Context) -> Result<Reply, Problem> {
    let request = page::requested(&context)?;
    let instance = instance();
    let list = queries::list_entries(&*instance, &request).map_err(problem)?;
    let lag = lag_resource(queries::lag(&*instance).map_err(problem)?);
    page::reply(&list, EntryResource::new, OutboxState { lag })
}
