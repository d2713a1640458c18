//! Every kind of problem that the adapters answer with is shown somewhere: the kinds are read from the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{DOCUMENT, examples};

/// What makes a problem of a kind, which is the first text that follows.
const CONSTRUCTORS: [&str; 3] = [
    "Problem::new(",
    "Problem::conflict(",
    "Problem::bad_request(",
];

/// Kinds that are no answer of an operation: the path has another method, or is none for clients.
const OF_NO_OPERATION: [&str; 2] = ["method-not-allowed", "invalid-event"];

fn kinds_in(source: &str) -> BTreeSet<String> {
    let product = source.split("#[cfg(test)]").next().unwrap();
    let calls = CONSTRUCTORS
        .into_iter()
        .flat_map(|constructor| product.split(constructor).skip(1));
    let of_call = |rest: &str| {
        let arguments = rest.split(';').next()?;
        let kind = arguments.split('"').nth(1)?;
        let is_kind = kind
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_lowercase());
        is_kind.then(|| kind.to_owned())
    };
    calls.filter_map(of_call).collect()
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs"
        {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_kind_of_problem_has_an_example() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = Vec::new();
    for adapter in [
        "components/auth/http",
        "components/checkout/http",
        "components/gateway",
        "components/orders/http",
        "components/payments/http",
        "components/products/http",
        "crates/edge",
    ] {
        sources(&repository.join(adapter).join("src"), &mut texts);
    }
    let shown: BTreeSet<String> = examples(&DOCUMENT)
        .iter()
        .filter_map(|example| example.value["type"].as_str())
        .filter_map(|kind| kind.rsplit('/').next())
        .map(str::to_owned)
        .collect();
    let known: BTreeSet<String> = texts.iter().flat_map(|text| kinds_in(text)).collect();
    let missing: Vec<&String> = known
        .iter()
        .filter(|kind| !shown.contains(*kind) && !OF_NO_OPERATION.contains(&kind.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(known.len() > 20, "{known:?}");
}

#[test]
fn kinds_are_found_in_sources() {
    let source = "
        Problem::conflict(
            \"out-of-milk\",
            \"buy some\",
        );
        Problem::new(StatusCode::GONE, \"gone\", \"Gone\", detail());
        Problem::bad_request(CODE, \"Some words\");
        #[cfg(test)]
        Problem::conflict(\"only-in-tests\", \"no\");";
    let found = kinds_in(source);
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        ["gone", "out-of-milk"]
    );
}
