//! Samples of quotes as invoices in UBL 2.1, held against the schema of OASIS and the rules of EN 16931 as CEN publishes them. The crate
//! `checkout` writes them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mercato_tests::{
    Folder, repository,
    tools::{python, run},
};
use serde_json::Value;

const SAMPLES: &str = "components/checkout/core/src/domain/quote/tests/samples";

/// Rules of the judge that meet even an invoice of one line, which has 56: a judge that looks at nothing finds nothing.
const RULES_MIN: u64 = 50;

fn samples() -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join(SAMPLES)).expect("the samples");
    entries
        .map(|entry| entry.expect("a sample").path())
        .collect()
}

/// What each of the files breaks; none when the judge is not installed.
fn broken(files: &[PathBuf]) -> Option<Vec<Vec<String>>> {
    let mut judge = python("python")?;
    judge.arg(repository().join("tests/tools/invoices.py"));
    let report: Value = serde_json::from_str(&run(judge.args(files))).expect("a report");
    let broken = files.iter().map(|file| {
        let verdict = &report[file.to_str().expect("a plain path")];
        let rules = verdict["rules"].as_u64().expect("a number");
        assert!(rules > RULES_MIN, "{}: {rules} rules", file.display());
        let broken = verdict["broken"].as_array().expect("what is broken");
        let texts = broken.iter().map(|one| one.as_str().expect("a text"));
        texts.map(str::to_owned).collect()
    });
    Some(broken.collect())
}

#[test]
fn cen_finds_nothing_wrong_with_invoices_of_quotes() {
    let files = samples();
    assert!(!files.is_empty());
    let Some(broken) = broken(&files) else {
        return;
    };
    for (file, broken) in files.iter().zip(broken) {
        assert_eq!(broken, [""; 0], "{}", file.display());
    }
}

/// A sample in which the amount of an element is another one, for a digit before it.
fn spoiled(folder: &Path, element: &str, rule: &str) -> PathBuf {
    let file = repository().join(SAMPLES).join("outside-two-rates.xml");
    let sample = fs::read_to_string(file).expect("a sample");
    let start = format!("<cbc:{element} currencyID=\"EUR\">");
    assert!(sample.contains(&start), "{element}");
    let path = folder.join(format!("{rule}.xml"));
    let spoiled = sample.replacen(&start, &format!("{start}9"), 1);
    fs::write(&path, spoiled).expect("write a sample");
    path
}

#[test]
fn the_judge_of_invoices_notices_what_is_wrong() {
    let folder = Folder::new("invoices");
    let cases = [
        ("LineExtensionAmount", "BR-CO-10"),
        ("AllowanceTotalAmount", "BR-CO-11"),
        ("ChargeTotalAmount", "BR-CO-12"),
        ("TaxExclusiveAmount", "BR-CO-13"),
        ("TaxAmount", "BR-CO-14"),
        ("TaxInclusiveAmount", "BR-CO-15"),
        ("PayableAmount", "BR-CO-16"),
        ("TaxableAmount", "BR-S-08"),
    ];
    let files: Vec<PathBuf> = cases
        .iter()
        .map(|(element, rule)| spoiled(folder.path(), element, rule))
        .collect();
    let Some(broken) = broken(&files) else {
        return;
    };
    for ((_, rule), broken) in cases.iter().zip(broken) {
        let is_named = broken
            .iter()
            .any(|one| one.starts_with(&format!("{rule}:")));
        assert!(is_named, "{rule}: {broken:?}");
    }
}
