use mercato_kernel::{Cursor, Key, Total, skipped_rows};

use super::{PAGE_LIMIT_MAX, PageRequest, find_payment};
use crate::domain::{Payment, PaymentError, Refund, Viewer};
use crate::ports::{Ports, Store};

/// What a cursor of the payments is for: the list's name and its order.
const PAYMENTS: &str = "payments:-id";

/// The same of the refunds of a payment.
const REFUNDS: &str = "refunds:id";

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub entries: Vec<T>,
    /// Number of entries on all pages.
    pub total: Total,
    /// Number of this page, from 1.
    pub page: u32,
    /// Cursor of the next page; none on the last one.
    pub next: Option<String>,
}

/// Where a page begins.
struct Start {
    page: u32,
    offset: u64,
    after: Option<String>,
}

/// Everybody's payments, newest first.
///
/// # Errors
/// `Invalid` for a page 0, a limit that is not 1 to [`PAGE_LIMIT_MAX`], or a cursor that no page gave.
pub fn list_payments<P: Ports>(
    ports: &P,
    request: &PageRequest,
) -> Result<Page<Payment>, PaymentError> {
    let start = check(request, PAYMENTS)?;
    let wanted = request.limit.saturating_add(1);
    let (payments, total) = ports.store().read(|records| {
        let payments = records.payments(start.after.as_deref(), start.offset, wanted)?;
        Ok((payments, records.count_payments()?))
    })?;
    let id = |payment: &Payment| payment.id.clone();
    Ok(page_of(
        payments,
        total,
        &start,
        request.limit,
        PAYMENTS,
        id,
    ))
}

/// Refunds of a payment, oldest first, and the payment.
///
/// # Errors
/// `NotFound`, also for another customer's payment; `Invalid` as [`list_payments`].
pub fn list_refunds<P: Ports>(
    ports: &P,
    viewer: &Viewer,
    payment_id: &str,
    request: &PageRequest,
) -> Result<(Payment, Page<Refund>), PaymentError> {
    let payment = find_payment(ports, viewer, payment_id)?;
    let start = check(request, REFUNDS)?;
    let wanted = request.limit.saturating_add(1);
    let (refunds, total) = ports.store().read(|records| {
        let after = start.after.as_deref();
        let refunds = records.refunds_of_payment(&payment.id, after, start.offset, wanted)?;
        Ok((refunds, records.count_refunds(&payment.id)?))
    })?;
    let id = |refund: &Refund| refund.id.clone();
    let page = page_of(refunds, total, &start, request.limit, REFUNDS, id);
    Ok((payment, page))
}

/// One entry more than the page takes says that there is a next page.
fn page_of<T>(
    mut entries: Vec<T>,
    total: Total,
    start: &Start,
    limit: u32,
    scope: &str,
    id: impl Fn(&T) -> String,
) -> Page<T> {
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = entries.len() > shown;
    entries.truncate(shown);
    let next = entries.last().filter(|_| has_next).map(|last| {
        Cursor {
            scope: scope.to_owned(),
            page: start.page.saturating_add(1),
            keys: vec![id(last).into()],
        }
        .encode()
    });
    Page {
        entries,
        total,
        page: start.page,
        next,
    }
}

fn check(request: &PageRequest, scope: &str) -> Result<Start, PaymentError> {
    if request.page == 0 {
        return Err(PaymentError::invalid(
            "page",
            "min",
            "page must be 1 or more",
        ));
    }
    if !(1..=PAGE_LIMIT_MAX).contains(&request.limit) {
        let message = format!("limit must be 1 to {PAGE_LIMIT_MAX}");
        return Err(PaymentError::invalid("limit", "max", message));
    }
    let Some(after) = &request.after else {
        let offset = skipped_rows(request.page, request.limit)
            .map_err(|too_deep| PaymentError::invalid("page", "max", format!("page {too_deep}")))?;
        return Ok(Start {
            page: request.page,
            offset,
            after: None,
        });
    };
    let cursor = Cursor::decode(after, scope).ok();
    let place = cursor.and_then(|cursor| match cursor.keys.as_slice() {
        [Key::Text(id)] => Some(Start {
            page: cursor.page,
            offset: 0,
            after: Some(mercato_platform::ids::parse(id).ok()?),
        }),
        _ => None,
    });
    place.ok_or_else(|| {
        let message = format!("after {}", mercato_kernel::NotACursor);
        PaymentError::invalid("after", "format", message)
    })
}
