//! How things are taxed, as admins set and see it: what is shown can be sent again.

use checkout::application::queries::settings::Versioned;
use checkout::domain::{Reason, TaxClass, TaxRule, TaxSettings};
use mercato_edge::{Percent, Tagged, body};
use serde::Serialize;
use utoipa::ToSchema;

/// How things are taxed.
#[body(
    as = TaxSettingsInput,
    example = json!({
        "pricesIncludeTax": true, "defaultCountry": "AT",
        "rates": [{"country": "AT", "rate": 20}, {"country": "AT", "taxClass": "food", "rate": 10}]
    })
)]
#[derive(Debug)]
pub struct TaxesBody {
    /// Whether prices, discounts and what shipping costs are with tax.
    prices_include_tax: bool,
    /// Where taxes are those of as long as nobody knows where an order goes (ISO 3166-1 alpha-2).
    #[schema(value_type = String, required = false, min_length = 2, max_length = 2, example = "AT")]
    default_country: Option<String>,
    /// The rates. What has none is not taxed.
    #[schema(max_items = 500)]
    rates: Vec<RateBody>,
}

/// The rate of a tax class in a country or region.
#[body(as = TaxRateInput)]
#[derive(Debug)]
pub struct RateBody {
    /// ISO 3166-1 alpha-2.
    #[schema(min_length = 2, max_length = 2, example = "AT")]
    country: String,
    /// Code or name of the region; the whole country when absent. A region's rate goes before the country's.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    region: Option<String>,
    /// `standard` when absent: the rate of every class that has none of its own. Shipping is of the class `shipping`.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 40, example = "food")]
    tax_class: Option<TaxClass>,
    rate: Percent,
    /// Why there is no tax, as an invoice says it; with a rate of 0 and with no other.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, example = "reverse charge")]
    reason: Option<Reason>,
}

/// How things are taxed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TaxSettings)]
pub struct TaxesResource {
    prices_include_tax: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "AT")]
    default_country: Option<String>,
    rates: Vec<RateResource>,
}

/// The rate of a tax class in a country or region.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TaxRate)]
pub struct RateResource {
    #[schema(example = "AT")]
    country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    region: Option<String>,
    #[schema(example = "food")]
    tax_class: String,
    rate: Percent,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "reverse charge")]
    reason: Option<String>,
}

impl From<&TaxesBody> for TaxSettings {
    fn from(body: &TaxesBody) -> Self {
        let rule = |rate: &RateBody| TaxRule {
            country: rate.country.clone(),
            region: rate.region.clone(),
            tax_class: rate.tax_class.clone().unwrap_or_else(TaxClass::standard),
            rate: rate.rate.0,
            reason: rate.reason.clone(),
        };
        Self {
            prices_include_tax: body.prices_include_tax,
            default_country: body.default_country.clone(),
            rules: body.rates.iter().map(rule).collect(),
        }
    }
}

/// The document and its entity tag.
pub fn tagged(found: Versioned<TaxSettings>) -> Tagged<TaxesResource> {
    let rate = |rule: TaxRule| RateResource {
        country: rule.country,
        region: rule.region,
        tax_class: rule.tax_class.into(),
        rate: Percent(rule.rate),
        reason: rule.reason.map(Into::into),
    };
    let settings = found.settings;
    let shown = TaxesResource {
        prices_include_tax: settings.prices_include_tax,
        default_country: settings.default_country,
        rates: settings.rules.into_iter().map(rate).collect(),
    };
    Tagged::new(shown, found.version)
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_json;

    use super::*;

    #[test]
    fn what_is_shown_can_be_sent_again() {
        let sent = r#"{"pricesIncludeTax":true,"defaultCountry":"AT","rates":[{"country":"AT","rate":20},
            {"country":"US","region":"NY","taxClass":"food","rate":0,"reason":"exempt"}]}"#;
        let body: TaxesBody = from_json(sent).unwrap();
        let settings = TaxSettings::from(&body).checked().unwrap();
        let version = 1;
        let shown = tagged(Versioned {
            settings: settings.clone(),
            version,
        });
        let again: TaxesBody = from_json(&serde_json::to_string(&shown.shown).unwrap()).unwrap();
        assert_eq!(TaxSettings::from(&again), settings);
    }

    #[test]
    fn every_wrong_rate_is_named_by_its_path() {
        let wrong = r#"{"pricesIncludeTax":1,"rates":[{"country":"AT","rate":101},{"rate":"x","colour":1}]}"#;
        let problem = from_json::<TaxesBody>(wrong).unwrap_err();
        let document = problem.document("/", "r", "t");
        let errors = document["errors"].as_array().unwrap();
        let fields: Vec<_> = errors.iter().map(|error| &error["field"]).collect();
        assert_eq!(
            fields,
            [
                "pricesIncludeTax",
                "rates[0].rate",
                "rates[1].country",
                "rates[1].rate",
                "rates[1].colour"
            ]
        );
    }
}
