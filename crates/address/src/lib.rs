//! Postal addresses: what they need in each country, one set of rules for checkouts and address books.

mod countries;
#[cfg(test)]
mod judged;

use mercato_kernel::{FieldError, Refusal};
use mercato_platform::text;

pub use countries::{Country, Part};

/// Longest line of an address, in characters.
pub const ADDRESS_LINE_CHARS_MAX: usize = 200;

/// Longest postal code, in characters.
pub const POSTAL_CODE_CHARS_MAX: usize = 20;

/// Longest telephone number, in characters.
pub const PHONE_CHARS_MAX: usize = 40;

/// An address as somebody typed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressDraft {
    /// Who receives.
    pub name: String,
    /// At which company.
    pub company: Option<String>,
    /// Street and number.
    pub line1: String,
    /// Whatever else the street needs.
    pub line2: Option<String>,
    /// In the form of the country.
    pub postal_code: Option<String>,
    /// The town.
    pub city: Option<String>,
    /// State, province or the like, by its code or name.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// For the carrier.
    pub phone: Option<String>,
}

/// An address that has all that its country needs. The country is a code in capital letters, and so is the region where the regions of
/// the country are known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "as in the draft")]
pub struct Address {
    pub name: String,
    pub company: Option<String>,
    pub line1: String,
    pub line2: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub region: Option<String>,
    pub country: String,
    pub phone: Option<String>,
}

/// Where something goes, as far as taxes and shipping depend on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destination {
    /// ISO 3166-1 alpha-2, in capital letters.
    pub country: String,
    /// Code or name of the region.
    pub region: Option<String>,
    /// In capital letters.
    pub postal_code: Option<String>,
}

/// What is wrong with the parts of an address, each noted under its path.
struct Parts<'a> {
    path: &'a str,
    errors: Vec<FieldError>,
}

impl Parts<'_> {
    fn reject(&mut self, part: &str, refusal: Refusal) {
        self.errors
            .push(FieldError::broken(format!("{}.{part}", self.path), refusal));
    }

    fn line(&mut self, part: &str, text: &str, max_chars: usize) -> String {
        text::line(text, max_chars).unwrap_or_else(|problem| {
            self.reject(part, (problem.code(), problem.to_string().into()));
            String::new()
        })
    }

    /// A part that may be left out; an empty one is left out.
    fn optional(&mut self, part: &str, text: Option<&str>, max_chars: usize) -> Option<String> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        Some(self.line(part, text, max_chars))
    }

    fn needed(&mut self, part: &str, value: Option<&String>, country: Country) {
        if value.is_none() {
            let rest = format!("is required in {}", country.code);
            self.reject(part, ("required", rest.into()));
        }
    }
}

impl Address {
    /// The address, if its country has it so. `path` is where the address stands.
    ///
    /// # Errors
    /// Every part at fault.
    pub fn parse(draft: &AddressDraft, path: &str) -> Result<Self, Vec<FieldError>> {
        const LINE: usize = ADDRESS_LINE_CHARS_MAX;
        let errors = Vec::new();
        let mut parts = Parts { path, errors };
        let name = parts.line("name", &draft.name, LINE);
        let company = parts.optional("company", draft.company.as_deref(), LINE);
        let line1 = parts.line("line1", &draft.line1, LINE);
        let line2 = parts.optional("line2", draft.line2.as_deref(), LINE);
        let postal_code = parts.optional(
            "postalCode",
            draft.postal_code.as_deref(),
            POSTAL_CODE_CHARS_MAX,
        );
        let mut address = Self {
            name,
            company,
            line1,
            line2,
            postal_code: postal_code.map(|code| code.to_uppercase()),
            city: parts.optional("city", draft.city.as_deref(), LINE),
            region: parts.optional("region", draft.region.as_deref(), LINE),
            country: draft.country.trim().to_ascii_uppercase(),
            phone: parts.optional("phone", draft.phone.as_deref(), PHONE_CHARS_MAX),
        };
        if address.phone.as_deref().is_some_and(|text| !is_phone(text)) {
            let rest = "must be a telephone number such as +43 1 234567";
            parts.reject("phone", ("format", rest.into()));
        }
        match Country::find(&address.country) {
            Some(country) => address.fit(country, &mut parts),
            None => {
                let rest = "must be the code of a country, as in AT (ISO 3166-1 alpha-2)";
                parts.reject("country", ("format", rest.into()));
            }
        }
        if parts.errors.is_empty() {
            Ok(address)
        } else {
            Err(parts.errors)
        }
    }

    fn fit(&mut self, country: Country, parts: &mut Parts<'_>) {
        for (part, name, value) in [
            (Part::PostalCode, "postalCode", &self.postal_code),
            (Part::City, "city", &self.city),
            (Part::Region, "region", &self.region),
        ] {
            if country.needs(part) {
                parts.needed(name, value.as_ref(), country);
            }
        }
        let postal_code = self.postal_code.as_deref().unwrap_or_default();
        if !postal_code.is_empty() && !country.has_form_of_postal_code(postal_code) {
            let (code, example) = (country.code, country.postal_code_example);
            let rest = format!("must be a postal code of {code} such as {example}");
            parts.reject("postalCode", ("format", rest.into()));
        }
        if let Some(region) = self.region.take_if(|_| country.has_known_regions()) {
            match country.region(&region) {
                Some(code) => self.region = Some(code.to_owned()),
                None => {
                    let rest = format!("must be a region of {}", country.code);
                    parts.reject("region", ("format", rest.into()));
                }
            }
        }
    }

    /// Where it is, for taxes and shipping.
    #[must_use]
    pub fn destination(&self) -> Destination {
        Destination {
            country: self.country.clone(),
            region: self.region.clone(),
            postal_code: self.postal_code.clone(),
        }
    }
}

/// Digits, and what people write between them.
fn is_phone(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_digit() || " +-/().".contains(c);
    text.chars().all(fits) && text.chars().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(country: &str, postal_code: &str, city: &str, region: &str) -> AddressDraft {
        let some = |text: &str| Some(text.to_owned());
        AddressDraft {
            name: "Ada Lovelace".to_owned(),
            line1: "Ring 1".to_owned(),
            postal_code: some(postal_code),
            city: some(city),
            region: some(region),
            country: country.to_owned(),
            ..AddressDraft::default()
        }
    }

    fn codes(draft: &AddressDraft) -> Vec<(String, String)> {
        let errors = Address::parse(draft, "shippingAddress").unwrap_err();
        let pair = |error: FieldError| (error.field, error.code.into_owned());
        errors.into_iter().map(pair).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let path = |part: &str| format!("shippingAddress.{part}");
        let pair = |(part, code): &(&str, &str)| (path(part), (*code).to_owned());
        expected.iter().map(pair).collect()
    }

    #[test]
    fn an_address_is_kept_as_its_country_writes_it() {
        let address = Address::parse(&draft("us", "95014", "Cupertino", "california"), "a");
        let address = address.unwrap();
        assert_eq!(
            (&*address.country, address.region.as_deref()),
            ("US", Some("CA"))
        );
        let address = Address::parse(&draft("GB", "ec1y 8sy", "London", ""), "a").unwrap();
        assert_eq!(address.postal_code.as_deref(), Some("EC1Y 8SY"));
        assert_eq!(address.region, None);
        let address = Address::parse(&draft("AT", "1010", "Wien", "Wien"), "a").unwrap();
        assert_eq!(address.region.as_deref(), Some("Wien"));
    }

    #[test]
    fn every_part_that_is_missing_or_malformed_is_named() {
        assert_eq!(
            codes(&draft("US", "1010", "", "Wien")),
            pairs(&[
                ("city", "required"),
                ("postalCode", "format"),
                ("region", "format")
            ])
        );
        let mut nothing = draft("Austria", "1010", "Wien", "");
        nothing.name = " ".to_owned();
        nothing.line2 = Some("a\nb".to_owned());
        nothing.phone = Some("call me".to_owned());
        assert_eq!(
            codes(&nothing),
            pairs(&[
                ("name", "required"),
                ("line2", "control-characters"),
                ("phone", "format"),
                ("country", "format"),
            ])
        );
    }

    #[test]
    fn a_country_without_postal_codes_needs_none() {
        assert!(Address::parse(&draft("HK", "", "", "Kowloon"), "a").is_ok());
        assert!(Address::parse(&draft("IE", "", "Dublin", ""), "a").is_ok());
        assert_eq!(codes(&draft("DE", "", "Berlin", ""))[0].1, "required");
    }
}
