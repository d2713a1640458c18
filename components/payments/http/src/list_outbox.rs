use mercato_edge::{OutboxLag, PageRequest, Paged, Problem, Query, endpoint};
use payments::application::queries;
use payments::instance;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::problem;
use crate::resource::{EntryResource, lag_resource};

/// List events under way
///
/// What orders has not been told yet, oldest first, parked events too, and how far that is behind as a whole. Empty when all is well.
#[endpoint(
    GET "/api/v1/payments/outbox", access = Admin, tag = "Payments", id = "listOutbox",
    returns = "One page of events",
)]
pub async fn list_outbox(
    Query(page): Query<PageRequest>,
) -> Result<Paged<EntryResource, OutboxState>, Problem> {
    let instance = instance();
    let list = queries::list_entries(&*instance, &page).map_err(problem)?;
    let lag = lag_resource(queries::lag(&*instance).map_err(problem)?);
    Ok(Paged::of(list, EntryResource::new)?.with(OutboxState { lag }))
}

/// What the list says besides its entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutboxState {
    /// Of the whole outbox, not of this page.
    pub lag: OutboxLag,
}
