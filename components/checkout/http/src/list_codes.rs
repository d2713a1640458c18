use checkout::application::queries::codes;
use mercato_edge::{PageRequest, Paged, Problem, Query, endpoint};

use crate::code::CodeResource;
use crate::problems::problem;

/// List all discount codes
///
/// All discount codes with their uses, by their names.
#[endpoint(
    GET "/api/v1/checkouts/codes", access = Admin, tag = "Checkouts", id = "listDiscountCodes",
    returns = "One page",
)]
pub async fn list_codes(Query(page): Query<PageRequest>) -> Result<Paged<CodeResource>, Problem> {
    let checkouts = checkout::instance().await.map_err(problem)?;
    let page = codes::list(&*checkouts, &page).map_err(problem)?;
    Paged::of(page, |code| Ok(code.into()))
}
