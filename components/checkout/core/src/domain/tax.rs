//! The taxes of a shop, as an admin sets them.

use mercato_address::{Country, Destination};
use mercato_kernel::FieldError;
use mercato_money::Rate;

use super::texts::{Reason, TaxClass, broken};

/// Most rates that can be set.
pub const TAX_RULES_MAX: usize = 500;

/// The class by which shipping is taxed, unless it has no rate: then it is taxed as what has no class.
pub const SHIPPING_TAX_CLASS: &str = "shipping";

/// Longest name of a region, in characters.
pub const REGION_CHARS_MAX: usize = 100;

/// What is taxed how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaxSettings {
    /// Whether prices, amounts of shipping and discounts are with tax.
    pub prices_include_tax: bool,
    /// Where taxes are those of as long as nobody knows where the order goes (ISO 3166-1 alpha-2).
    pub default_country: Option<String>,
    /// The rates.
    pub rules: Vec<TaxRule>,
}

/// The rate of one class of products in one country or region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRule {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Code or name of the region; none for the whole country.
    pub region: Option<String>,
    /// Whose rate it is.
    pub tax_class: TaxClass,
    /// The rate.
    pub rate: Rate,
    /// Why there is no tax; of a rate of 0, and of no other.
    pub reason: Option<Reason>,
}

/// Whether two names of regions are the same.
pub(super) fn is_same_region(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// A country's code as somebody typed it, in capital letters.
pub(super) fn country_code(path: &str, text: &str, errors: &mut Vec<FieldError>) -> String {
    let code = text.trim().to_ascii_uppercase();
    if Country::find(&code).is_none() {
        let rest = "must be the code of a country, as in AT (ISO 3166-1 alpha-2)";
        errors.push(broken(path, ("format", rest.into())));
    }
    code
}

/// A region's code or name as somebody typed it, as addresses there have it.
pub(super) fn region_of(
    path: &str,
    text: &str,
    country: Option<&str>,
    errors: &mut Vec<FieldError>,
) -> String {
    match mercato_platform::text::line(text, REGION_CHARS_MAX) {
        Ok(region) => {
            let known = country.and_then(Country::find);
            let Some(known) = known.filter(Country::has_known_regions) else {
                return region;
            };
            match known.region(&region) {
                Some(code) => code.to_owned(),
                None => {
                    let rest = format!("must be a region of {}", known.code);
                    errors.push(broken(path, ("format", rest.into())));
                    region
                }
            }
        }
        Err(problem) => {
            errors.push(broken(path, super::texts::refused(problem)));
            String::new()
        }
    }
}

impl TaxSettings {
    /// The settings with what is written in another way made the same, if they hold together.
    ///
    /// # Errors
    /// Everything that is wrong, each under its path.
    pub fn checked(mut self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        if let Some(country) = &mut self.default_country {
            *country = country_code("defaultCountry", country, &mut errors);
        }
        if self.rules.len() > TAX_RULES_MAX {
            let rest = format!("must not have more than {TAX_RULES_MAX} entries");
            errors.push(broken("rates", ("max", rest.into())));
        }
        let mut seen: Vec<(String, Option<String>, TaxClass)> = Vec::new();
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let path = |member: &str| format!("rates[{index}].{member}");
            rule.country = country_code(&path("country"), &rule.country, &mut errors);
            let country = rule.country.clone();
            if let Some(region) = &mut rule.region {
                *region = region_of(&path("region"), region, Some(&country), &mut errors);
            }
            match (rule.rate.is_zero(), &rule.reason) {
                (true, None) => {
                    let rest = "is required with a rate of 0";
                    errors.push(broken(path("reason"), ("required", rest.into())));
                }
                (false, Some(_)) => {
                    let rest = "must not be given with a rate that is not 0";
                    errors.push(broken(path("reason"), ("exclusive", rest.into())));
                }
                _ => {}
            }
            let region = rule.region.as_ref().map(|region| region.to_lowercase());
            let key = (country, region, rule.tax_class.clone());
            if seen.contains(&key) {
                let rest = "is the second one of this country, region and tax class";
                errors.push(broken(format!("rates[{index}]"), ("repeated", rest.into())));
            }
            seen.push(key);
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(errors)
        }
    }

    /// The rule for a class there: one of the region before one of the country, and one of the class before one of what has none.
    #[must_use]
    pub fn rule(&self, destination: Option<&Destination>, class: &str) -> Option<&TaxRule> {
        let country = match destination {
            Some(destination) => &destination.country,
            None => self.default_country.as_ref()?,
        };
        let region = destination.and_then(|destination| destination.region.as_deref());
        let is_there = |rule: &&TaxRule| {
            rule.country == *country
                && rule.region.as_deref().is_none_or(|of_rule| {
                    region.is_some_and(|region| is_same_region(region, of_rule))
                })
        };
        let of_class = |class: &str| {
            let rules = self.rules.iter().filter(is_there);
            rules
                .filter(|rule| rule.tax_class.as_str() == class)
                .max_by_key(|rule| rule.region.is_some())
        };
        of_class(class).or_else(|| of_class(TaxClass::STANDARD))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(country: &str, region: Option<&str>, class: &str, percent: &str) -> TaxRule {
        TaxRule {
            country: country.to_owned(),
            region: region.map(str::to_owned),
            tax_class: TaxClass::parse(class).unwrap(),
            rate: Rate::from_percent(percent.parse().unwrap()).unwrap(),
            reason: None,
        }
    }

    fn settings(rules: Vec<TaxRule>) -> TaxSettings {
        TaxSettings {
            prices_include_tax: true,
            default_country: Some("at".to_owned()),
            rules,
        }
    }

    #[test]
    fn the_closest_rule_counts() {
        let settings = settings(vec![
            rule("AT", None, "standard", "20"),
            rule("at", None, "food", "10"),
            rule("US", Some("New York"), "standard", "4"),
            rule("US", None, "food", "1"),
        ]);
        let settings = settings.checked().unwrap();
        let percent = |destination: Option<(&str, Option<&str>)>, class: &str| {
            let destination = destination.map(|(country, region)| Destination {
                country: country.to_owned(),
                region: region.map(str::to_owned),
                postal_code: None,
            });
            let rule = settings.rule(destination.as_ref(), class);
            rule.map(|rule| rule.rate.percent().to_string())
        };
        let percent = |destination, class| percent(destination, class).unwrap_or_default();
        assert_eq!(percent(None, "food"), "10");
        assert_eq!(percent(Some(("AT", Some("Wien"))), "books"), "20");
        assert_eq!(percent(Some(("US", Some("NY"))), "standard"), "4");
        assert_eq!(percent(Some(("US", Some("NY"))), "food"), "1");
        assert_eq!(percent(Some(("US", Some("TX"))), "standard"), "");
        assert_eq!(percent(Some(("DE", None)), "standard"), "");
    }

    #[test]
    fn everything_wrong_with_the_taxes_is_named_at_once() {
        let mut wrong = settings(vec![
            rule("XX", None, "standard", "20"),
            rule("US", Some("Bavaria"), "standard", "7"),
            rule("DE", None, "standard", "0"),
            rule("AT", None, "standard", "20"),
            rule("at", None, "standard", "10"),
        ]);
        wrong.default_country = Some("Austria".to_owned());
        wrong.rules[3].reason = Some(Reason::parse("reverse charge").unwrap());
        let errors = wrong.checked().unwrap_err();
        let named: Vec<_> = errors
            .iter()
            .map(|error| (error.field.as_str(), &*error.code))
            .collect();
        assert_eq!(
            named,
            [
                ("defaultCountry", "format"),
                ("rates[0].country", "format"),
                ("rates[1].region", "format"),
                ("rates[2].reason", "required"),
                ("rates[3].reason", "exclusive"),
                ("rates[4]", "repeated"),
            ]
        );
    }
}
