use mercato_kernel::{Caller, Page, PageRequest, PaymentId};
use mercato_money::Currency;

use super::find_payment;
use super::list_payments::key_of_id;
use crate::application::ports::{Ports, Store};
use crate::domain::{PaymentError, Refund};

/// What a cursor of the refunds of a payment is for: the list's name and its order.
const SCOPE: &str = "refunds:id";

/// Refunds of a payment, oldest first, and its currency.
///
/// # Errors
/// `NotFound`, also for another customer's payment; `Invalid` for a page that skips too many refunds, or a cursor that no
/// page gave.
pub fn list_refunds<P: Ports>(
    ports: &P,
    caller: &Caller,
    payment_id: PaymentId,
    request: &PageRequest,
) -> Result<(Currency, Page<Refund>), PaymentError> {
    let payment = find_payment(ports, caller, payment_id)?;
    let (number, start) = request.start(SCOPE, key_of_id)?;
    let (refunds, total) = ports.store().read(|records| {
        let refunds = records.refunds_of_payment(payment.id, &start, request.rows_to_read())?;
        Ok((refunds, records.count_refunds(payment.id)?))
    })?;
    let keys = |last: &Refund| vec![last.id.to_string().into()];
    let page = request.page(number, refunds, total, SCOPE, keys);
    Ok((payment.currency, page))
}
