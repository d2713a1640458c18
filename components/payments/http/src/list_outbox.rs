use mercato_edge::{Context, OutboxLag, PageInfo, PageParameters, Problem, Reply, paged_with};
use serde::Serialize;

use crate::bindings::mercato::payments_old::outbox;
use crate::problems::problem;
use crate::resource::EntryResource;
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
    let mut query = context.query();
    let page = query.page();
    query.finish()?;
    let request = outbox::PageRequest {
        page: page.page,
        limit: page.limit,
        after: page.after,
    };
    let list = outbox::entries(request).await.map_err(problem)?;
    let lag = outbox::lag().await.map_err(problem)?;
    let entries = list
        .entries
        .iter()
        .map(EntryResource::new)
        .collect::<Result<Vec<_>, _>>()?;
    let info = PageInfo {
        total: list.total,
        total_is_exact: list.total_is_exact,
        page: list.page,
        next: list.next,
    };
    let lag = OutboxLag::from(lag);
    paged_with(&entries, info, page.limit, OutboxState { lag })
}
