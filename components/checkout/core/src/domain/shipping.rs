//! What shipping costs, as an admin sets it.

use mercato_address::{Destination, POSTAL_CODE_CHARS_MAX};
use mercato_kernel::{FieldError, named};
use mercato_money::{Currency, Money};

use super::tax::{country_code, is_same_region, region_of};
use super::texts::{Label, OptionCode, broken};

/// Most zones.
pub const ZONES_MAX: usize = 100;

/// Most countries, regions or beginnings of postal codes of a zone.
pub const PLACES_MAX: usize = 300;

/// Most options of a zone.
pub const OPTIONS_MAX: usize = 20;

/// Most steps of an option.
pub const STEPS_MAX: usize = 50;

/// What an option goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Measure {
    /// The weight of all lines, in grams.
    Weight,
    /// The value of all lines after discounts, as prices are: with tax or without.
    Value,
}

named!(Measure);

/// A step of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Up to how much it is for, this included: grams, or an amount of money. None for everything.
    pub up_to: Option<Money>,
    /// What shipping costs then.
    pub amount: Money,
}

/// One way of shipping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingOption {
    /// Names it, once in a zone.
    pub code: OptionCode,
    /// Its name for customers.
    pub name: Label,
    /// What its steps go by.
    pub measure: Measure,
    /// Ascending. It is not offered beyond the last one.
    pub steps: Vec<Step>,
    /// From which value of the lines on it costs nothing.
    pub free_from: Option<Money>,
}

/// Places to which shipping costs the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its name for admins.
    pub name: Label,
    /// Countries (ISO 3166-1 alpha-2); none for all of them.
    pub countries: Vec<String>,
    /// Regions by code or name; none for all of them.
    pub regions: Vec<String>,
    /// Beginnings of postal codes, in capital letters and without blanks; none for all of them.
    pub postal_codes: Vec<String>,
    /// What is offered there.
    pub options: Vec<ShippingOption>,
}

/// What shipping costs where. Of the zones that a place is in, the first counts. Without zones, nothing is shipped by the shop, and
/// nobody is asked how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShippingSettings {
    /// The zones, in the order in which they are looked at.
    pub zones: Vec<Zone>,
}

impl ShippingSettings {
    /// The settings with what is written in another way made the same, if they hold together in that currency.
    ///
    /// # Errors
    /// Everything that is wrong, each under its path.
    pub fn checked(mut self, currency: Currency) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        limit("zones", self.zones.len(), ZONES_MAX, &mut errors);
        for (index, zone) in self.zones.iter_mut().enumerate() {
            zone.check(&format!("zones[{index}]"), currency, &mut errors);
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(errors)
        }
    }

    /// The zone of a place.
    #[must_use]
    pub fn zone(&self, destination: &Destination) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.has(destination))
    }
}

fn limit(path: &str, count: usize, max: usize, errors: &mut Vec<FieldError>) {
    if count > max {
        let rest = format!("must not have more than {max} entries");
        errors.push(broken(path, ("max", rest.into())));
    }
}

impl Zone {
    fn check(&mut self, path: &str, currency: Currency, errors: &mut Vec<FieldError>) {
        for (name, count) in [
            ("countries", self.countries.len()),
            ("regions", self.regions.len()),
            ("postalCodes", self.postal_codes.len()),
        ] {
            limit(&format!("{path}.{name}"), count, PLACES_MAX, errors);
        }
        for (index, country) in self.countries.iter_mut().enumerate() {
            *country = country_code(&format!("{path}.countries[{index}]"), country, errors);
        }
        // A region of several countries cannot be held against the regions of one.
        let only = match self.countries.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        for (index, region) in self.regions.iter_mut().enumerate() {
            let path = format!("{path}.regions[{index}]");
            *region = region_of(&path, region, only.as_deref(), errors);
        }
        for (index, prefix) in self.postal_codes.iter_mut().enumerate() {
            *prefix = without_blanks(prefix);
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let is_prefix = !prefix.is_empty() && prefix.len() <= POSTAL_CODE_CHARS_MAX;
            if !is_prefix || !prefix.chars().all(fits) {
                let rest = "must be the beginning of postal codes, as in 69";
                let path = format!("{path}.postalCodes[{index}]");
                errors.push(broken(path, ("format", rest.into())));
            }
        }
        let options = format!("{path}.options");
        limit(&options, self.options.len(), OPTIONS_MAX, errors);
        for (index, option) in self.options.iter().enumerate() {
            let path = format!("{options}[{index}]");
            let others = self.options.iter().take(index);
            if others.into_iter().any(|other| other.code == option.code) {
                let rest = "is the code of another option of the zone";
                errors.push(broken(format!("{path}.code"), ("repeated", rest.into())));
            }
            option.check(&path, currency, errors);
        }
    }

    fn has(&self, destination: &Destination) -> bool {
        let is_in = |places: &[String], is_place: &dyn Fn(&str) -> bool| {
            places.is_empty() || places.iter().any(|place| is_place(place))
        };
        let region = destination.region.as_deref();
        let postal_code = destination.postal_code.as_deref().map(without_blanks);
        is_in(&self.countries, &|place| place == destination.country)
            && is_in(&self.regions, &|place| {
                region.is_some_and(|region| is_same_region(region, place))
            })
            && is_in(&self.postal_codes, &|prefix| {
                postal_code
                    .as_ref()
                    .is_some_and(|code| code.starts_with(prefix))
            })
    }
}

fn without_blanks(postal_code: &str) -> String {
    let characters = postal_code.chars().filter(|c| !c.is_whitespace());
    characters.flat_map(char::to_uppercase).collect()
}

impl ShippingOption {
    fn check(&self, path: &str, currency: Currency, errors: &mut Vec<FieldError>) {
        let steps = format!("{path}.steps");
        limit(&steps, self.steps.len(), STEPS_MAX, errors);
        if self.steps.is_empty() {
            errors.push(broken(&*steps, ("required", "must not be empty".into())));
        }
        let mut money = |path: String, amount: Money| {
            if amount.to_minor_exact(currency).is_none() {
                let rest = format!("must be a whole number of the smallest unit of {currency}");
                errors.push(broken(path, ("precision", rest.into())));
            }
        };
        if let Some(amount) = self.free_from {
            money(format!("{path}.freeFrom"), amount);
        }
        for (index, step) in self.steps.iter().enumerate() {
            money(format!("{steps}[{index}].amount"), step.amount);
            if let (Measure::Value, Some(up_to)) = (self.measure, step.up_to) {
                money(format!("{steps}[{index}].upTo"), up_to);
            }
        }
        let mut last: Option<Money> = None;
        for (index, step) in self.steps.iter().enumerate() {
            let is_last = index + 1 == self.steps.len();
            let path = format!("{steps}[{index}].upTo");
            match step.up_to {
                None if !is_last => {
                    let rest = "is required in every step but the last one";
                    errors.push(broken(path, ("required", rest.into())));
                }
                None => {}
                Some(up_to) => {
                    if last.is_some_and(|last| up_to <= last) || up_to <= Money::ZERO {
                        let rest = "must be more than that of the step before, and than 0";
                        errors.push(broken(&*path, ("min", rest.into())));
                    }
                    if self.measure == Measure::Weight && grams(up_to).is_none() {
                        let rest = "must be a whole number of grams";
                        errors.push(broken(path, ("type", rest.into())));
                    }
                    last = Some(up_to);
                }
            }
        }
    }

    /// What it costs for lines of that weight (grams) and value; none when it is not offered.
    #[must_use]
    pub fn amount(&self, weight_grams: u64, value: Money) -> Option<Money> {
        let is_within = |step: &&Step| {
            step.up_to.is_none_or(|up_to| match self.measure {
                Measure::Weight => grams(up_to).is_some_and(|grams| weight_grams <= grams),
                Measure::Value => value <= up_to,
            })
        };
        let step = self.steps.iter().find(is_within)?;
        if self.free_from.is_some_and(|from| value >= from) {
            return Some(Money::ZERO);
        }
        Some(step.amount)
    }
}

/// A number of grams that was written as a decimal number.
fn grams(number: Money) -> Option<u64> {
    let units = u64::try_from(number.units()).ok()?;
    let per_gram = mercato_money::UNITS_PER_WHOLE.unsigned_abs();
    units.is_multiple_of(per_gram).then(|| units / per_gram)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn step(up_to: &str, amount: &str) -> Step {
        Step {
            up_to: (!up_to.is_empty()).then(|| money(up_to)),
            amount: money(amount),
        }
    }

    fn option(measure: Measure, steps: Vec<Step>, free_from: Option<&str>) -> ShippingOption {
        ShippingOption {
            code: OptionCode::parse("post").unwrap(),
            name: Label::parse("Post").unwrap(),
            measure,
            steps,
            free_from: free_from.map(money),
        }
    }

    fn zone(countries: &[&str], regions: &[&str], postal_codes: &[&str]) -> Zone {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Zone {
            name: Label::parse(countries.first().unwrap_or(&"world")).unwrap(),
            countries: texts(countries),
            regions: texts(regions),
            postal_codes: texts(postal_codes),
            options: vec![option(Measure::Value, vec![step("", "4.9")], None)],
        }
    }

    #[test]
    fn the_first_zone_that_has_the_place_counts() {
        let settings = ShippingSettings {
            zones: vec![
                zone(&["gb"], &[], &["je", "GY"]),
                zone(&["GB"], &[], &[]),
                zone(&["US"], &["Hawaii"], &[]),
                zone(&[], &[], &[]),
            ],
        };
        let settings = settings.checked("EUR".parse().unwrap()).unwrap();
        let found = |country: &str, region: &str, postal_code: &str| {
            let destination = Destination {
                country: country.to_owned(),
                region: (!region.is_empty()).then(|| region.to_owned()),
                postal_code: (!postal_code.is_empty()).then(|| postal_code.to_owned()),
            };
            let zone = settings.zone(&destination).unwrap();
            settings.zones.iter().position(|one| one == zone)
        };
        assert_eq!(found("GB", "", "J E1 1AA"), Some(0));
        assert_eq!(found("GB", "", "EC1Y 8SY"), Some(1));
        assert_eq!(found("GB", "", ""), Some(1));
        assert_eq!(found("US", "HI", "96801"), Some(2));
        assert_eq!(found("US", "CA", "95014"), Some(3));
    }

    #[test]
    fn steps_go_by_weight_or_by_value() {
        let by_weight = option(
            Measure::Weight,
            vec![step("1000", "4.9"), step("5000", "9.9")],
            Some("50"),
        );
        let cost = |option: &ShippingOption, grams, value: &str| {
            let amount = option.amount(grams, money(value));
            amount.map_or("none".to_owned(), |amount| amount.to_string())
        };
        assert_eq!(cost(&by_weight, 1_000, "10"), "4.9");
        assert_eq!(cost(&by_weight, 1_001, "10"), "9.9");
        assert_eq!(cost(&by_weight, 5_000, "49.99"), "9.9");
        assert_eq!(cost(&by_weight, 5_000, "50"), "0");
        assert_eq!(cost(&by_weight, 5_001, "50"), "none");
        let by_value = option(Measure::Value, vec![step("20", "5"), step("", "3")], None);
        assert_eq!(cost(&by_value, 1, "20"), "5");
        assert_eq!(cost(&by_value, 1, "20.01"), "3");
    }

    #[test]
    fn everything_wrong_with_the_zones_is_named_at_once() {
        let mut wrong = zone(&["Austria", "DE"], &[""], &["6 9", "é"]);
        let steps = vec![step("10.5", "4.905"), step("", "1"), step("5", "1")];
        wrong.options = vec![
            option(Measure::Weight, vec![], Some("0.001")),
            option(Measure::Weight, steps, None),
        ];
        let settings = ShippingSettings { zones: vec![wrong] };
        let errors = settings.checked("EUR".parse().unwrap()).unwrap_err();
        let named: Vec<_> = errors
            .iter()
            .map(|error| format!("{} {}", error.field, error.code))
            .collect();
        assert_eq!(
            named,
            [
                "zones[0].countries[0] format",
                "zones[0].regions[0] required",
                "zones[0].postalCodes[1] format",
                "zones[0].options[0].steps required",
                "zones[0].options[0].freeFrom precision",
                "zones[0].options[1].code repeated",
                "zones[0].options[1].steps[0].amount precision",
                "zones[0].options[1].steps[0].upTo type",
                "zones[0].options[1].steps[1].upTo required",
                "zones[0].options[1].steps[2].upTo min",
            ]
        );
    }
}
