use mercato_edge::{Context, PageInfo, Problem, Reply, paged};

use crate::bindings::mercato::payments::outbox;
use crate::problems::problem;
use crate::resource::EntryResource;

/// `GET /payments/outbox`: events under way and parked, oldest first.
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
    let entries = list
        .entries
        .iter()
        .map(EntryResource::new)
        .collect::<Result<Vec<_>, _>>()?;
    let info = PageInfo {
        total: list.total,
        page: list.page,
        next: list.next,
    };
    paged(&entries, info, page.limit)
}
