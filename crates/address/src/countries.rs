//! What an address needs in each country, by a kept data source: `countries.tsv` says which.

use regex_lite::Regex;

const TABLE: &str = include_str!("countries.tsv");

/// What lies between the regions of a country, and between the names of one.
const BETWEEN_REGIONS: char = '~';
const BETWEEN_NAMES: char = '=';

/// Stands where a country has nothing.
const NOTHING: &str = "-";

/// A part of an address that some countries need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The town.
    City,
    /// The state, province or the like.
    Region,
    /// The postal code.
    PostalCode,
}

impl Part {
    const fn letter(self) -> char {
        match self {
            Self::City => 'C',
            Self::Region => 'S',
            Self::PostalCode => 'Z',
        }
    }
}

/// One country.
#[derive(Debug, Clone, Copy)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: &'static str,
    required: &'static str,
    postal_codes: &'static str,
    /// A postal code as it may look, for messages.
    pub postal_code_example: &'static str,
    regions: &'static str,
}

impl Country {
    /// The country of that code, in capital letters.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        rows().find_map(|row| {
            row.strip_prefix(code)?
                .starts_with('\t')
                .then(|| country(row))
        })?
    }

    /// Whether an address there must have that part.
    #[must_use]
    pub fn needs(&self, part: Part) -> bool {
        self.required.contains(part.letter())
    }

    /// Whether a postal code, in capital letters, has the form that they have there.
    #[must_use]
    pub fn has_form_of_postal_code(&self, text: &str) -> bool {
        self.postal_codes.is_empty()
            || Regex::new(&format!("^(?:{})$", self.postal_codes))
                .is_ok_and(|pattern| pattern.is_match(text))
    }

    /// Whether the regions are known by name.
    #[must_use]
    pub const fn has_known_regions(&self) -> bool {
        !self.regions.is_empty()
    }

    /// The code of the region of that code or name; none when it is not known.
    #[must_use]
    pub fn region(&self, text: &str) -> Option<&'static str> {
        let wanted = text.to_lowercase();
        let is_named = |region: &&str| {
            let mut names = region.split(BETWEEN_NAMES);
            names.any(|name| name.to_lowercase() == wanted)
        };
        let mut regions = self.regions.split(BETWEEN_REGIONS);
        regions.find(is_named)?.split(BETWEEN_NAMES).next()
    }
}

fn rows() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#'))
}

fn country(row: &'static str) -> Option<Country> {
    let columns = row.split('\t');
    let mut columns = columns.map(|column| if column == NOTHING { "" } else { column });
    Some(Country {
        code: columns.next()?,
        required: columns.next()?,
        postal_codes: columns.next()?,
        postal_code_example: columns.next()?,
        regions: columns.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_can_be_used() {
        let mut count = 0;
        for row in rows() {
            let country = country(row).expect(row);
            assert_eq!(country.code.len(), 2, "{row}");
            assert!(Country::find(country.code).is_some(), "{row}");
            let example = country.postal_code_example;
            assert!(country.has_form_of_postal_code(example), "{row}");
            let has_pattern = !country.postal_codes.is_empty();
            assert_eq!(has_pattern, !country.has_form_of_postal_code("?"), "{row}");
            assert!(country.required.starts_with('A'), "{row}");
            count += 1;
        }
        assert!(count > 240, "{count}");
    }

    #[test]
    fn countries_differ_in_what_they_need() {
        let needs = |code: &str| {
            let country = Country::find(code).unwrap();
            [Part::City, Part::Region, Part::PostalCode].map(|part| country.needs(part))
        };
        assert_eq!(needs("AT"), [true, false, true]);
        assert_eq!(needs("US"), [true, true, true]);
        assert_eq!(needs("HK"), [false, true, false]);
        assert_eq!(needs("SG"), [false, false, true]);
        for unknown in ["", "A", "at", "XX", "#", "AT\t", "ÖS"] {
            assert!(Country::find(unknown).is_none(), "{unknown:?}");
        }
    }

    #[test]
    fn a_region_is_found_by_code_and_by_name() {
        let states = Country::find("US").unwrap();
        for name in ["CA", "ca", "california"] {
            assert_eq!(states.region(name), Some("CA"));
        }
        assert_eq!(states.region("Bavaria"), None);
        for (country, name, code) in [
            ("CA", "Québec", "QC"),
            ("CA", "quebec", "QC"),
            ("ES", "Bizkaia", "BI"),
            ("ES", "València", "V"),
            ("IN", "दिल्ली", "DL"),
        ] {
            let known = Country::find(country).unwrap();
            assert_eq!(known.region(name), Some(code), "{name}");
        }
        assert_eq!(Country::find("JP").unwrap().region("Tokyo"), Some("13"));
        assert!(!Country::find("AT").unwrap().has_known_regions());
    }
}
