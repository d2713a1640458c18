use mercato_edge::{PageRequest, Paged, Path, Problem, Query, endpoint};
use mercato_kernel::{Caller, PaymentId};
use mercato_platform::log;
use payments::application::queries;
use payments::instance;

use crate::problems::problem;
use crate::resource::RefundResource;

/// List the refunds of a payment
///
/// Oldest first, those that failed too. A customer sees those of their own payments, without `reason` and `error`, which
/// are for admins.
#[endpoint(
    GET "/api/v1/payments/{id}/refunds", access = Bearer, tag = "Payments", id = "listRefunds",
    returns = "One page of refunds",
    404 = "No such payment, or somebody else's",
)]
pub async fn list_refunds(
    caller: Caller,
    Path(id): Path<PaymentId>,
    Query(page): Query<PageRequest>,
) -> Result<Paged<RefundResource>, Problem> {
    log::record("payment_id", &id.text());
    let list = queries::list_refunds(&*instance(), &caller, id, &page);
    let (currency, list) = list.map_err(problem)?;
    Paged::of(list, |refund| {
        RefundResource::new(refund, currency, caller.is_admin())
    })
}
