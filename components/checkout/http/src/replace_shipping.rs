use checkout::application::commands::save_shipping_settings;
use checkout::domain::ShippingSettings;
use mercato_edge::{Draft, ExpectedVersion, Problem, Tagged, endpoint};

use crate::problems::problem;
use crate::shipping::{ShippingBody, ShippingResource, tagged};

/// Set what shipping costs
///
/// Replaces the whole document. One that does not hold together changes nothing, and `errors` names everything that is wrong with it.
/// Quotes that were shown before are drawn up anew.
#[endpoint(
    PUT "/api/v1/checkouts/settings/shipping", access = Admin, tag = "Checkouts", id = "replaceShippingSettings",
    returns = "The document as it is now",
)]
pub async fn replace_shipping(
    ExpectedVersion(expected_version): ExpectedVersion,
    body: Draft<ShippingBody>,
) -> Result<Tagged<ShippingResource>, Problem> {
    let checkouts = checkout::instance().await.map_err(problem)?;
    let currency = checkouts.currency();
    let body = body.check(|body| {
        let checked = ShippingSettings::from(body).checked(currency);
        checked.err().unwrap_or_default()
    })?;
    let command = save_shipping_settings::Command {
        settings: (&body).into(),
        expected_version,
    };
    let saved = save_shipping_settings::handle(&*checkouts, command);
    saved.map(tagged).map_err(problem)
}
