use mercato_tests::{
    repository,
    tools::{Workbench, run},
};
use serde_json::Value;

use crate::document;

/// With the recommended rules; `tests/tools/redocly.yaml` gives a reason for every exception.
#[test]
fn redocly_finds_nothing_wrong_with_the_document() {
    let Some(bench) = Workbench::new("redocly") else {
        return;
    };
    let mut redocly = bench.tool("redocly");
    redocly
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .args(["lint", "--format=json", "--max-problems=1000", "--config"])
        .arg(repository().join("tests/tools/redocly.yaml"))
        .arg(document());
    let report: Value = serde_json::from_str(&run(&mut redocly)).expect("a report");
    let problems = report["problems"].as_array().expect("problems");
    let shown: Vec<String> = problems
        .iter()
        .map(|problem| {
            let place = &problem["location"][0]["pointer"];
            format!("{}: {} ({place})", problem["ruleId"], problem["message"])
        })
        .collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}
