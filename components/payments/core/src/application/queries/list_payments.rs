use mercato_kernel::{FromText, Key, Page, PageRequest};

use crate::application::ports::{Ports, Store};
use crate::domain::{PaymentError, PaymentView};

/// What a cursor of the payments is for: the list's name and its order.
const SCOPE: &str = "payments:-id";

/// Everybody's payments, newest first.
///
/// # Errors
/// `Invalid` for a page that skips too many payments, or a cursor that no page gave.
pub fn list_payments<P: Ports>(
    ports: &P,
    request: &PageRequest,
) -> Result<Page<PaymentView>, PaymentError> {
    let (number, start) = request.start(SCOPE, key_of_id)?;
    let (payments, total) = ports.store().read(|records| {
        let payments = records.payments(&start, request.rows_to_read())?;
        Ok((payments, records.count_payments()?))
    })?;
    let keys = |last: &PaymentView| vec![last.id.to_string().into()];
    Ok(request.page(number, payments, total, SCOPE, keys))
}

/// The id that a list sorted by ids goes on after.
pub(super) fn key_of_id<T: FromText>(keys: &[Key]) -> Option<T> {
    match keys {
        [Key::Text(id)] => T::from_text(id).ok(),
        _ => None,
    }
}
