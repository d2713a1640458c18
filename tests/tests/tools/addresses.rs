use std::fs;

use mercato_tests::{
    repository,
    tools::{python, run},
};

/// Addresses and the verdicts on them; the crate `checkout` holds its own against them.
const VERDICTS: &str = "crates/address/src/judged.tsv";

#[test]
fn verdicts_on_addresses_are_those_of_the_library() {
    let Some(mut python) = python("python") else {
        return;
    };
    let printed = run(python.arg(repository().join("tests/tools/addresses.py")));
    let kept = fs::read_to_string(repository().join(VERDICTS)).expect("the verdicts");
    for (printed, kept) in printed.lines().zip(kept.lines()) {
        assert_eq!(printed, kept);
    }
    assert_eq!(printed.lines().count(), kept.lines().count());
}
