use checkout::application::queries::settings;
use mercato_edge::{Problem, Tagged, endpoint};

use crate::problems::problem;
use crate::taxes::{TaxesResource, tagged};

/// How things are taxed
///
/// The whole document; sent back as it is, it changes nothing.
#[endpoint(
    GET "/api/v1/checkouts/settings/taxes", access = Admin, tag = "Checkouts", id = "getTaxSettings",
    returns = "The document",
)]
pub async fn show_taxes() -> Result<Tagged<TaxesResource>, Problem> {
    let checkouts = checkout::instance().await.map_err(problem)?;
    settings::taxes(&*checkouts).map(tagged).map_err(problem)
}
