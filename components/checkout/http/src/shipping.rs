//! What shipping costs, as admins set and see it: what is shown can be sent again.

use checkout::application::queries::settings::Versioned;
use checkout::domain::{Label, OptionCode, ShippingOption, ShippingSettings, Step, Zone};
use mercato_edge::{Amount, Tagged, body};
use serde::Serialize;
use utoipa::ToSchema;

use crate::values::By;

/// What shipping costs.
#[body(
    as = ShippingSettingsInput,
    example = json!({"zones": [{
        "name": "Austria", "countries": ["AT"],
        "options": [{"code": "at-post", "name": "Post AT", "by": "weight", "steps": [{"upTo": 2000, "amount": 4.9}], "freeFrom": 50}]
    }]})
)]
#[derive(Debug)]
pub struct ShippingBody {
    /// The first one that an address is in counts. Without zones nobody is asked how to ship.
    #[schema(max_items = 100)]
    zones: Vec<ZoneBody>,
}

/// Places to which shipping costs the same.
#[body(as = ShippingZoneInput)]
#[derive(Debug)]
pub struct ZoneBody {
    /// For admins.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Austria")]
    name: Label,
    /// ISO 3166-1 alpha-2; all countries when absent or empty.
    #[field(values)]
    #[schema(value_type = Vec<String>, required = false, max_items = 300, example = json!(["AT"]))]
    countries: Option<Vec<String>>,
    /// Codes or names of regions; all when absent or empty.
    #[field(values)]
    #[schema(value_type = Vec<String>, required = false, max_items = 300)]
    regions: Option<Vec<String>>,
    /// Beginnings of postal codes; all when absent or empty.
    #[field(values)]
    #[schema(value_type = Vec<String>, required = false, max_items = 300)]
    postal_codes: Option<Vec<String>>,
    #[schema(max_items = 20)]
    options: Vec<OptionBody>,
}

/// One way of shipping.
#[body(as = ShippingOptionInput)]
#[derive(Debug)]
pub struct OptionBody {
    /// Names it, once in a zone; kept in small letters.
    #[schema(value_type = String, min_length = 1, max_length = 40, example = "at-post")]
    code: OptionCode,
    /// For customers.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Post AT")]
    name: Label,
    /// What the steps go by: the weight of all lines, or their value after discounts.
    by: By,
    #[schema(min_items = 1, max_items = 50)]
    steps: Vec<StepBody>,
    /// From which value of the lines, after discounts, it costs nothing.
    free_from: Option<Amount>,
}

/// What shipping costs up to a weight or value.
#[body(as = ShippingStepInput)]
#[derive(Debug)]
pub struct StepBody {
    /// Grams, or an amount of money, this included. The last step may go on for ever; else the option is not offered beyond.
    up_to: Option<Amount>,
    amount: Amount,
}

/// What shipping costs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShippingSettings)]
pub struct ShippingResource {
    zones: Vec<ZoneResource>,
}

/// Places to which shipping costs the same.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShippingZone)]
pub struct ZoneResource {
    #[schema(example = "Austria")]
    name: String,
    #[schema(example = json!(["AT"]))]
    countries: Vec<String>,
    regions: Vec<String>,
    postal_codes: Vec<String>,
    options: Vec<OptionResource>,
}

/// One way of shipping.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShippingOption)]
pub struct OptionResource {
    #[schema(example = "at-post")]
    code: String,
    #[schema(example = "Post AT")]
    name: String,
    by: By,
    steps: Vec<StepResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    free_from: Option<Amount>,
}

/// What shipping costs up to a weight or value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShippingStep)]
pub struct StepResource {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    up_to: Option<Amount>,
    amount: Amount,
}

impl From<&ShippingBody> for ShippingSettings {
    fn from(body: &ShippingBody) -> Self {
        Self {
            zones: body.zones.iter().map(zone).collect(),
        }
    }
}

fn zone(body: &ZoneBody) -> Zone {
    Zone {
        name: body.name.clone(),
        countries: body.countries.clone().unwrap_or_default(),
        regions: body.regions.clone().unwrap_or_default(),
        postal_codes: body.postal_codes.clone().unwrap_or_default(),
        options: body.options.iter().map(option).collect(),
    }
}

fn option(body: &OptionBody) -> ShippingOption {
    let step = |step: &StepBody| Step {
        up_to: step.up_to.map(|amount| amount.0),
        amount: step.amount.0,
    };
    ShippingOption {
        code: body.code.clone(),
        name: body.name.clone(),
        measure: body.by.0,
        steps: body.steps.iter().map(step).collect(),
        free_from: body.free_from.map(|amount| amount.0),
    }
}

/// The document and its entity tag.
pub fn tagged(found: Versioned<ShippingSettings>) -> Tagged<ShippingResource> {
    let zones = found.settings.zones.into_iter().map(ZoneResource::from);
    let shown = ShippingResource {
        zones: zones.collect(),
    };
    Tagged::new(shown, found.version)
}

impl From<Zone> for ZoneResource {
    fn from(zone: Zone) -> Self {
        Self {
            name: zone.name.into(),
            countries: zone.countries,
            regions: zone.regions,
            postal_codes: zone.postal_codes,
            options: zone.options.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ShippingOption> for OptionResource {
    fn from(option: ShippingOption) -> Self {
        let step = |step: Step| StepResource {
            up_to: step.up_to.map(Amount),
            amount: Amount(step.amount),
        };
        Self {
            code: option.code.into(),
            name: option.name.into(),
            by: By(option.measure),
            steps: option.steps.into_iter().map(step).collect(),
            free_from: option.free_from.map(Amount),
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_json;

    use super::*;

    #[test]
    fn what_is_shown_can_be_sent_again() {
        let sent = r#"{"zones":[{"name":"Austria","countries":["at"],"postalCodes":["1"],"options":[
            {"code":"Post","name":"Post AT","by":"weight","steps":[{"upTo":2000,"amount":4.9},{"amount":9.9}],"freeFrom":50}]}]}"#;
        let body: ShippingBody = from_json(sent).unwrap();
        let settings = ShippingSettings::from(&body);
        let settings = settings.checked("EUR".parse().unwrap()).unwrap();
        let version = 1;
        let shown = tagged(Versioned {
            settings: settings.clone(),
            version,
        });
        let again: ShippingBody = from_json(&serde_json::to_string(&shown.shown).unwrap()).unwrap();
        assert_eq!(ShippingSettings::from(&again), settings);
    }

    #[test]
    fn every_wrong_member_is_named_by_its_path() {
        let wrong = r#"{"zones":[{"name":"","countries":[1],"options":[{"code":"a b","name":"x","by":"size","steps":[{"amount":-1}]}]}]}"#;
        let problem = from_json::<ShippingBody>(wrong).unwrap_err();
        let document = problem.document("/", "r", "t");
        let errors = document["errors"].as_array().unwrap();
        let fields: Vec<_> = errors.iter().map(|error| &error["field"]).collect();
        assert_eq!(
            fields,
            [
                "zones[0].name",
                "zones[0].countries[0]",
                "zones[0].options[0].code",
                "zones[0].options[0].by",
                "zones[0].options[0].steps[0].amount"
            ]
        );
    }
}
