//! Orders, newest first.

use crate::application::Viewer;
use crate::domain::{FieldError, Order, OrderError};
use crate::ports::{OrderFilter, OrderRepository, Ports};

/// Orders on one page.
pub const LIMIT_MAX: u32 = 100;

/// Some orders of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPage {
    /// The orders of this page.
    pub orders: Vec<Order>,
    /// Number of orders on all pages.
    pub total: u64,
}

/// Page `page` (from 1) of `limit` (1 to [`LIMIT_MAX`]) orders. A customer sees only their own, whatever the filter says.
///
/// # Errors
/// [`OrderError::Invalid`] for a page or limit out of range.
pub fn handle(
    ports: &impl Ports,
    viewer: &Viewer,
    filter: OrderFilter,
    page: u32,
    limit: u32,
) -> Result<OrderPage, OrderError> {
    let mut errors = Vec::new();
    if page == 0 {
        errors.push(FieldError::new(
            "page",
            "min",
            "page must not be less than 1",
        ));
    }
    if !(1..=LIMIT_MAX).contains(&limit) {
        let code = if limit == 0 { "min" } else { "max" };
        errors.push(FieldError::new(
            "limit",
            code,
            format!("limit must be 1 to {LIMIT_MAX}"),
        ));
    }
    if !errors.is_empty() {
        return Err(OrderError::Invalid(errors));
    }
    let filter = match viewer {
        Viewer::Admin(_) => filter,
        Viewer::Customer(id) => OrderFilter {
            customer_id: Some(id.clone()),
            ..filter
        },
    };
    let offset = u64::from(page - 1) * u64::from(limit);
    let (orders, total) = ports
        .orders()
        .read(|records| records.list(&filter, offset, limit))?;
    Ok(OrderPage { orders, total })
}
