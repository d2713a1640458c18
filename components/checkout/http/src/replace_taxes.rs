use checkout::application::commands::save_tax_settings;
use checkout::domain::TaxSettings;
use mercato_edge::{Draft, ExpectedVersion, Problem, Tagged, endpoint};

use crate::problems::problem;
use crate::taxes::{TaxesBody, TaxesResource, tagged};

/// Set how things are taxed
///
/// Replaces the whole document. One that does not hold together changes nothing, and `errors` names everything that is wrong with it.
/// Quotes that were shown before are drawn up anew.
#[endpoint(
    PUT "/api/v1/checkouts/settings/taxes", access = Admin, tag = "Checkouts", id = "replaceTaxSettings",
    returns = "The document as it is now",
)]
pub async fn replace_taxes(
    ExpectedVersion(expected_version): ExpectedVersion,
    body: Draft<TaxesBody>,
) -> Result<Tagged<TaxesResource>, Problem> {
    let body = body.check(|body| TaxSettings::from(body).checked().err().unwrap_or_default())?;
    let command = save_tax_settings::Command {
        settings: (&body).into(),
        expected_version,
    };
    let checkouts = checkout::instance().await.map_err(problem)?;
    let saved = save_tax_settings::handle(&*checkouts, command);
    saved.map(tagged).map_err(problem)
}
