use checkout::application::commands::change_code;
use mercato_edge::{ExpectedVersion, Json, Path, Problem, Tagged, endpoint};

use crate::code::{CodeChangesBody, CodeResource, tagged};
use crate::problems::problem;
use crate::values::CodePath;

/// Change a discount code
///
/// Changes any subset of its terms. What it gives never changes: make another code for that. Uses beyond a lower limit stay.
#[endpoint(
    PATCH "/api/v1/checkouts/codes/{code}", access = Admin, tag = "Checkouts", id = "changeDiscountCode",
    returns = "The discount code as it is now",
    404 = "No such discount code",
)]
pub async fn change_code(
    Path(code): Path<CodePath>,
    ExpectedVersion(expected_version): ExpectedVersion,
    Json(changes): Json<CodeChangesBody>,
) -> Result<Tagged<CodeResource>, Problem> {
    let command = change_code::Command {
        name: code.0,
        changes: changes.into(),
        expected_version,
    };
    let checkouts = checkout::instance().await.map_err(problem)?;
    let code = change_code::handle(&*checkouts, command).map_err(problem)?;
    Ok(tagged(code))
}
