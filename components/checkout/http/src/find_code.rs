use checkout::application::queries::codes;
use mercato_edge::{Path, Problem, Tagged, endpoint};

use crate::code::{CodeResource, tagged};
use crate::problems::problem;
use crate::values::CodePath;

/// Read a discount code
#[endpoint(
    GET "/api/v1/checkouts/codes/{code}", access = Admin, tag = "Checkouts", id = "getDiscountCode",
    returns = "The discount code with its uses",
    404 = "No such discount code",
)]
pub async fn find_code(Path(code): Path<CodePath>) -> Result<Tagged<CodeResource>, Problem> {
    let checkouts = checkout::instance().await.map_err(problem)?;
    let code = codes::find(&*checkouts, &code.0).map_err(problem)?;
    Ok(tagged(code))
}
