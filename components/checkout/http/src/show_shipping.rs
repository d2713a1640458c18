use checkout::application::queries::settings;
use mercato_edge::{Problem, Tagged, endpoint};

use crate::problems::problem;
use crate::shipping::{ShippingResource, tagged};

/// What shipping costs
///
/// The whole document; sent back as it is, it changes nothing.
#[endpoint(
    GET "/api/v1/checkouts/settings/shipping", access = Admin, tag = "Checkouts", id = "getShippingSettings",
    returns = "The document",
)]
pub async fn show_shipping() -> Result<Tagged<ShippingResource>, Problem> {
    let checkouts = checkout::instance().await.map_err(problem)?;
    settings::shipping(&*checkouts).map(tagged).map_err(problem)
}
