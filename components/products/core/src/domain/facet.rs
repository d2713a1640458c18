//! Facets: what is said of products by names of the shop's own, by which they are chosen and counted.

use std::collections::BTreeSet;
use std::fmt;

use mercato_kernel::{FieldError, FromText, Refusal};
use mercato_platform::text::line;

use crate::domain::error::broken;
use crate::domain::presentation::{ATTRIBUTE_CHARS_MAX, ATTRIBUTE_NAME_CHARS_MAX};
use crate::domain::product::ProductView;

/// Most facets whose values one list counts.
pub const FACETS_MAX: usize = 10;

/// Most values of a facet that are counted, the most frequent ones.
pub const FACET_VALUES_MAX: u32 = 100;

/// Most attributes and options that one list asks for.
pub const CHOICES_MAX: usize = 10;

/// Most values of an attribute or option that one list asks for.
pub const CHOSEN_VALUES_MAX: usize = 20;

/// What the names of attributes begin with.
pub const ATTRIBUTE_PREFIX: &str = "attribute.";

/// What the names of options begin with.
pub const OPTION_PREFIX: &str = "option.";

/// How the categories are called as a facet.
const CATEGORY: &str = "category";

/// An attribute or an option, by the name that clients and the database have for it: `attribute.Origin`, `option.Size`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FacetName(String);

impl FacetName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a product can have several values of it: its variants have options, and each may have another value.
    #[must_use]
    pub fn has_several_values(&self) -> bool {
        self.0.starts_with(OPTION_PREFIX)
    }
}

impl FromText for FacetName {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        let parts = [ATTRIBUTE_PREFIX, OPTION_PREFIX]
            .into_iter()
            .find_map(|prefix| Some((prefix, text.strip_prefix(prefix)?)));
        let Some((prefix, name)) = parts else {
            let rest = "must begin with attribute. or option.";
            return Err(("format", rest.into()));
        };
        match line(name, ATTRIBUTE_NAME_CHARS_MAX) {
            Ok(name) => Ok(Self(format!("{prefix}{name}"))),
            Err(problem) => {
                let rest = format!("has a name that {problem}");
                Err((problem.code(), rest.into()))
            }
        }
    }
}

/// A value of an attribute or option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FacetValue(String);

impl FacetValue {
    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromText for FacetValue {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        let value = line(text, ATTRIBUTE_CHARS_MAX);
        let refusal = |problem: mercato_platform::text::TextProblem| {
            (problem.code(), problem.to_string().into())
        };
        value.map(Self).map_err(refusal)
    }
}

/// What a list asks of an attribute or option: one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which attribute or option.
    pub name: FacetName,
    /// Its values; at least one, each once.
    pub values: BTreeSet<FacetValue>,
}

impl Wanted {
    /// The choices of names with values: values of the same name stand beside each other.
    #[must_use]
    pub fn gather(pairs: impl IntoIterator<Item = (FacetName, FacetValue)>) -> Vec<Self> {
        let mut choices: Vec<Self> = Vec::new();
        for (name, value) in pairs {
            let known = choices.iter_mut().find(|choice| choice.name == name);
            match known {
                Some(choice) => drop(choice.values.insert(value)),
                None => choices.push(Self {
                    name,
                    values: BTreeSet::from([value]),
                }),
            }
        }
        choices
    }
}

/// What of products is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// The categories that they are in, by their paths: those that hold others included.
    Category,
    /// The values of an attribute or option.
    Named(FacetName),
}

impl Facet {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Category => CATEGORY,
            Self::Named(name) => name.as_str(),
        }
    }
}

impl fmt::Display for Facet {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

impl FromText for Facet {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        if text == CATEGORY {
            return Ok(Self::Category);
        }
        FacetName::from_text(text)
            .map(Self::Named)
            .map_err(|(code, rest)| match code {
                "format" => {
                    let rest = "must list category and names that begin with attribute. or option.";
                    (code, rest.into())
                }
                _ => (code, rest),
            })
    }
}

/// How many of the products that a list finds have that value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// The products, at least one.
    pub products: u64,
}

/// The values of a facet that the products of a list have, the most frequent ones first and equal ones in the order of their bytes,
/// [`FACET_VALUES_MAX`] at the most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedFacet {
    /// Which facet.
    pub facet: Facet,
    /// Its values.
    pub values: Vec<FacetCount>,
}

impl CountedFacet {
    /// A facet of no product.
    #[must_use]
    pub const fn empty(facet: Facet) -> Self {
        let values = Vec::new();
        Self { facet, values }
    }
}

/// The attributes and options of a product, by their names, with all values that it or its variants have: what lists choose and count it by.
pub fn facets_of(product: &ProductView) -> impl Iterator<Item = (String, &str)> {
    let attributes = product.attributes.iter();
    let attributes =
        attributes.map(|(name, value)| (format!("{ATTRIBUTE_PREFIX}{name}"), value.as_str()));
    let choices = product.variants().iter().flat_map(|one| &one.choices);
    let options: BTreeSet<(&str, &str)> = choices.map(|one| (&*one.name, &*one.value)).collect();
    let options = options.into_iter();
    attributes.chain(options.map(|(name, value)| (format!("{OPTION_PREFIX}{name}"), value)))
}

/// Checks how much a list asks for.
pub fn check(choices: &[Wanted], facets: &[Facet]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(beyond) = choices.get(CHOICES_MAX) {
        let rule = format!(
            "is one too many: a list asks for {CHOICES_MAX} attributes and options at most"
        );
        errors.push(broken(beyond.name.as_str(), "max", rule));
    }
    for choice in choices {
        if choice.values.len() > CHOSEN_VALUES_MAX {
            let rule = format!("must not have more than {CHOSEN_VALUES_MAX} values");
            errors.push(broken(choice.name.as_str(), "max", rule));
        }
    }
    if facets.len() > FACETS_MAX {
        let rule = format!("must not have more than {FACETS_MAX} values");
        errors.push(broken("facets", "max", rule));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Refusal>) -> &'static str {
        result.err().unwrap().0
    }

    #[test]
    fn attributes_and_options_have_names_of_one_line() {
        let name = FacetName::from_text("attribute. Origin ").unwrap();
        assert_eq!(name.as_str(), "attribute.Origin");
        assert!(!name.has_several_values());
        let size = FacetName::from_text("option.Size").unwrap();
        assert!(size.has_several_values());
        let long = format!("option.{}", "n".repeat(ATTRIBUTE_NAME_CHARS_MAX + 1));
        for (text, expected) in [
            ("Origin", "format"),
            ("attribute", "format"),
            ("attribute.", "required"),
            ("option. \u{200b}", "required"),
            ("option.a\nb", "control-characters"),
            (&*long, "max"),
        ] {
            assert_eq!(code(FacetName::from_text(text)), expected, "{text:?}");
            assert_eq!(code(Facet::from_text(text)), expected, "{text:?}");
        }
        assert_eq!(Facet::from_text("category"), Ok(Facet::Category));
        let long = "x".repeat(ATTRIBUTE_CHARS_MAX + 1);
        for (text, expected) in [
            ("", "required"),
            ("a\tb", "control-characters"),
            (&*long, "max"),
        ] {
            assert_eq!(code(FacetValue::from_text(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn values_of_one_name_are_one_choice() {
        let pair = |name: &str, value: &str| {
            let name = FacetName::from_text(name).unwrap();
            (name, FacetValue::from_text(value).unwrap())
        };
        let choices = Wanted::gather([
            pair("option.Size", "S"),
            pair("attribute.Size", "S"),
            pair("option.Size", "M"),
            pair("option. Size", " S"),
        ]);
        let values: Vec<_> = choices
            .iter()
            .map(|choice| (choice.name.as_str(), choice.values.len()))
            .collect();
        assert_eq!(values, [("option.Size", 2), ("attribute.Size", 1)]);
    }

    #[test]
    fn a_list_asks_for_so_much() {
        let name = |number: usize| FacetName::from_text(&format!("option.{number}")).unwrap();
        let value = |number: usize| FacetValue::from_text(&number.to_string()).unwrap();
        let choices = |names: usize, values: usize| {
            let pairs = (0..names).flat_map(|one| (0..values).map(move |two| (one, two)));
            Wanted::gather(pairs.map(|(one, two)| (name(one), value(two))))
        };
        let facets = |names: usize| (0..names).map(|one| Facet::Named(name(one))).collect();
        let wrong = |choices: Vec<Wanted>, facets: Vec<Facet>| -> Vec<String> {
            let errors = check(&choices, &facets);
            let named = errors.iter();
            named
                .map(|error| format!("{} {}", error.field, error.code))
                .collect()
        };
        let none: [String; 0] = [];
        assert_eq!(
            wrong(choices(CHOICES_MAX, CHOSEN_VALUES_MAX), facets(FACETS_MAX)),
            none
        );
        assert_eq!(
            wrong(choices(CHOICES_MAX + 1, 1), facets(0)),
            ["option.10 max"]
        );
        assert_eq!(
            wrong(choices(1, CHOSEN_VALUES_MAX + 1), facets(0)),
            ["option.0 max"]
        );
        assert_eq!(wrong(choices(0, 0), facets(FACETS_MAX + 1)), ["facets max"]);
    }
}
