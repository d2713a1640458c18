use mercato_edge::{PageRequest, Paged, Problem, Query, endpoint};
use payments::application::queries;
use payments::instance;

use crate::problems::problem;
use crate::resource::PaymentResource;

/// List payments
///
/// Everybody's payments, newest first.
#[endpoint(
    GET "/api/v1/payments", access = Admin, tag = "Payments", id = "listPayments",
    returns = "One page of payments",
)]
pub async fn list(Query(page): Query<PageRequest>) -> Result<Paged<PaymentResource>, Problem> {
    let list = queries::list_payments(&*instance(), &page).map_err(problem)?;
    Paged::of(list, PaymentResource::new)
}
