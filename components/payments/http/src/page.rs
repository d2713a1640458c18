//! Lists of payments, refunds and events.

use mercato_edge::{Context, PageInfo, Problem, Reply, paged_with};
use mercato_kernel::{Page, PageRequest};
use serde::Serialize;

/// The page that is asked for, and nothing else is.
///
/// # Errors
/// 400 naming every parameter at fault.
pub fn requested(context: &Context) -> Result<PageRequest, Problem> {
    let mut query = context.query_string();
    let page = query.page();
    query.finish()?;
    Ok(page)
}

/// 200 with a page of resources, and what the list says besides.
///
/// # Errors
/// What makes a resource fails.
pub fn reply<'a, T, R: Serialize>(
    page: &'a Page<T>,
    resource: impl Fn(&'a T) -> Result<R, Problem>,
    more: impl Serialize,
) -> Result<Reply, Problem> {
    let entries = page.entries.iter().map(resource);
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    paged_with(&entries, PageInfo::from(page), page.limit, more)
}
