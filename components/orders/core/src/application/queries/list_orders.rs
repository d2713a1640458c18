//! Orders, by creation or by the last change.
//!
//! An order's id begins with the time it was asked for, so the order of the ids is the order of creation. Every index of
//! orders ends with the id, or with the last change and the id: a page by cursor is one search, however far down the list it
//! lies.

use mercato_kernel::{Cursor, Key, Total, skipped_rows};

use crate::application::Viewer;
use crate::domain::{FieldError, Order, OrderError, OrderId};
use crate::ports::{OrderFilter, OrderRepository, OrderSort, PageStart, Ports};

/// Orders on one page.
pub const LIMIT_MAX: u32 = 100;

/// What a cursor of this list is for: its name and its order.
const fn scope(sort: OrderSort) -> &'static str {
    match sort {
        OrderSort::NewestFirst => "orders:-id",
        OrderSort::OldestFirst => "orders:id",
        OrderSort::RecentlyUpdatedFirst => "orders:-updatedAt",
        OrderSort::LongUnchangedFirst => "orders:updatedAt",
    }
}

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub page: u32,
    /// 1 to [`LIMIT_MAX`].
    pub limit: u32,
    /// The `next` of the page before; `page` does not count then.
    pub after: Option<String>,
}

/// Some orders of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPage {
    /// The orders of this page.
    pub orders: Vec<Order>,
    /// Number of orders on all pages.
    pub total: Total,
    /// Number of this page, from 1.
    pub page: u32,
    /// Cursor of the next page; none on the last one.
    pub next: Option<String>,
}

/// One page. A customer sees only their own orders, whatever the filter says.
///
/// # Errors
/// [`OrderError::Invalid`] for a page or limit out of range, or a cursor that no page of this list gave.
pub fn handle(
    ports: &impl Ports,
    viewer: &Viewer,
    filter: OrderFilter,
    sort: OrderSort,
    request: &PageRequest,
) -> Result<OrderPage, OrderError> {
    let (page, start) = check(request, sort)?;
    let filter = match viewer {
        Viewer::Admin(_) => filter,
        Viewer::Customer(id) => OrderFilter {
            customer_id: Some(id.clone()),
            ..filter
        },
    };
    // One more than is shown tells whether there is a next page.
    let (mut orders, total) = ports
        .orders()
        .read(|records| records.list(&filter, sort, &start, request.limit.saturating_add(1)))?;
    let shown = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let has_next = orders.len() > shown;
    orders.truncate(shown);
    let next = orders
        .last()
        .filter(|_| has_next)
        .map(|last| cursor_after(last, sort, page));
    Ok(OrderPage {
        orders,
        total,
        page,
        next,
    })
}

/// The number of the wanted page and where it begins.
fn check(request: &PageRequest, sort: OrderSort) -> Result<(u32, PageStart), OrderError> {
    let mut errors = Vec::new();
    if request.page == 0 {
        errors.push(FieldError::new(
            "page",
            "min",
            "page must not be less than 1",
        ));
    }
    if !(1..=LIMIT_MAX).contains(&request.limit) {
        let code = if request.limit == 0 { "min" } else { "max" };
        errors.push(FieldError::new(
            "limit",
            code,
            format!("limit must be 1 to {LIMIT_MAX}"),
        ));
    }
    let start = match &request.after {
        None => numbered(request),
        Some(after) => position(after, sort).ok_or_else(|| {
            let message = format!("after {}", mercato_kernel::NotACursor);
            FieldError::new("after", "format", message)
        }),
    };
    match start {
        Ok(start) if errors.is_empty() => Ok(start),
        Ok(_) => Err(OrderError::Invalid(errors)),
        Err(error) => {
            errors.push(error);
            Err(OrderError::Invalid(errors))
        }
    }
}

fn numbered(request: &PageRequest) -> Result<(u32, PageStart), FieldError> {
    let skipped = skipped_rows(request.page, request.limit)
        .map_err(|too_deep| FieldError::new("page", "max", format!("page {too_deep}")))?;
    Ok((request.page, PageStart::Offset(skipped)))
}

fn position(after: &str, sort: OrderSort) -> Option<(u32, PageStart)> {
    let cursor = Cursor::decode(after, scope(sort)).ok()?;
    let start = match (sort.is_by_update(), cursor.keys.as_slice()) {
        (false, [Key::Text(id)]) => PageStart::After(OrderId::parse(id).ok()?),
        (true, [Key::Integer(updated_at), Key::Text(id)]) => {
            let updated_at = u64::try_from(*updated_at).ok()?;
            PageStart::AfterUpdate(updated_at, OrderId::parse(id).ok()?)
        }
        _ => return None,
    };
    Some((cursor.page, start))
}

fn cursor_after(last: &Order, sort: OrderSort, page: u32) -> String {
    let id = Key::from(last.id.as_str());
    let keys = if sort.is_by_update() {
        let updated_at = i64::try_from(last.updated_at).unwrap_or(i64::MAX);
        vec![updated_at.into(), id]
    } else {
        vec![id]
    };
    Cursor {
        scope: scope(sort).to_owned(),
        page: page.saturating_add(1),
        keys,
    }
    .encode()
}
