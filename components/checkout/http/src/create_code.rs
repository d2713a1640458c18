use checkout::application::commands::create_code;
use mercato_edge::{BASE_PATH, Created, Draft, Problem, Tagged, endpoint};

use crate::code::{CodeResource, NewCodeBody, tagged};
use crate::problems::problem;

/// Make a discount code
///
/// A part of the lines, a fixed amount, or free shipping; perhaps for some products, from a value on, for a time, so often in all and by one
/// customer. Discounts are taken off before tax, and never more than a line costs.
#[endpoint(
    POST "/api/v1/checkouts/codes", access = Admin, tag = "Checkouts", id = "createDiscountCode",
    returns = "The discount code",
    409 = "`code-taken`: there is a discount code of this name",
)]
pub async fn create_code(
    body: Draft<NewCodeBody>,
) -> Result<Created<Tagged<CodeResource>>, Problem> {
    let checkouts = checkout::instance().await.map_err(problem)?;
    let currency = checkouts.currency();
    let body = body.check(|body| match body.benefit() {
        Ok(benefit) => body.terms().broken_rules(benefit, currency),
        Err(errors) => errors,
    })?;
    let command = body.command().map_err(Problem::validation)?;
    let code = create_code::handle(&*checkouts, command).map_err(problem)?;
    Ok(Created {
        location: format!("{BASE_PATH}/checkouts/codes/{}", code.name.as_str()),
        shown: tagged(code),
    })
}
