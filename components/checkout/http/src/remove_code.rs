use checkout::application::commands::remove_code;
use mercato_edge::{ExpectedVersion, NoContent, Path, Problem, endpoint};

use crate::problems::problem;
use crate::values::CodePath;

/// Remove a discount code
///
/// Nobody can use it any more, and its uses are forgotten. Orders that used it stay as they are. To end it and keep its uses, change
/// `until`.
#[endpoint(
    DELETE "/api/v1/checkouts/codes/{code}", access = Admin, tag = "Checkouts", id = "removeDiscountCode",
    returns = "The discount code is gone",
    404 = "No such discount code",
)]
pub async fn remove_code(
    Path(code): Path<CodePath>,
    ExpectedVersion(expected_version): ExpectedVersion,
) -> Result<NoContent, Problem> {
    let command = remove_code::Command {
        name: code.0,
        expected_version,
    };
    let checkouts = checkout::instance().await.map_err(problem)?;
    remove_code::handle(&*checkouts, &command).map_err(problem)?;
    Ok(NoContent)
}
