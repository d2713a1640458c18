//! Addresses of every country, held against the verdicts of a library that others wrote: `judged.tsv`, which says how it was made.

use super::*;

const TABLE: &str = include_str!("judged.tsv");

/// What is wrong with an address, as the table has it.
fn wrong(draft: &AddressDraft) -> String {
    let errors = match Address::parse(draft, "") {
        Ok(_) => return "-".to_owned(),
        Err(errors) => errors,
    };
    let mut wrong: Vec<String> = errors
        .iter()
        .map(|error| format!("{} {}", error.field.trim_start_matches('.'), error.code))
        .collect();
    wrong.sort();
    wrong.join(", ")
}

#[test]
fn addresses_are_judged_as_by_a_library() {
    let mut countries = Vec::new();
    let mut otherwise = Vec::new();
    for row in TABLE.lines().filter(|row| !row.starts_with('#')) {
        let cells: Vec<&str> = row.split('\t').collect();
        let [country, region, city, postal_code, verdict] = cells[..] else {
            panic!("{row}");
        };
        let some = |cell: &str| (cell != "-").then(|| cell.to_owned());
        let draft = AddressDraft {
            name: "Ada Lovelace".to_owned(),
            line1: "Street 1".to_owned(),
            postal_code: some(postal_code),
            city: some(city),
            region: some(region),
            country: country.to_owned(),
            ..AddressDraft::default()
        };
        let ours = wrong(&draft);
        if ours != verdict {
            otherwise.push(format!("{row}: {ours}"));
        }
        if !countries.contains(&country) {
            countries.push(country);
        }
    }
    assert_eq!(otherwise, [""; 0]);
    assert!(countries.len() > 240, "{}", countries.len());
}
