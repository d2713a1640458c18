//! What alerts and the dashboard are about.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{files, members, object, read};

/// The names in a text that are of metrics.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_of_name =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let words = text.split(|letter: char| !is_of_name(letter));
    let names = words.filter(|word| word.starts_with("mercato_") && *word != "mercato_");
    names.map(str::to_owned).collect()
}

/// The texts in quotes after each place where that stands.
fn quoted<'a>(source: &'a str, before: &str) -> Vec<&'a str> {
    let places = source.split(before).skip(1);
    places.filter_map(|rest| rest.split('"').nth(1)).collect()
}

/// The metrics that components answer with and that the runner makes, by the names of their samples.
fn known_metrics() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for path in files("components", "metrics.rs") {
        let source = read(&path);
        let product_code = source.split("#[cfg(test)]").next().unwrap();
        for text in product_code.split('"').skip(1).step_by(2) {
            known.extend(metrics(text));
        }
    }
    let source = read("host/src/observe/metrics.rs");
    let product_code = source.split("#[cfg(test)]").next().unwrap();
    for name in quoted(product_code, "r.counter(") {
        known.insert(format!("mercato_{name}_total"));
    }
    for name in quoted(product_code, "r.gauge(") {
        known.insert(format!("mercato_{name}"));
    }
    for call in product_code.split("r.register(").skip(1) {
        let name = call.split('"').nth(1).unwrap();
        let ends = call.split("&[").nth(1).unwrap().split(']').next().unwrap();
        let ends = ends.split('"').skip(1).step_by(2);
        known.extend(ends.map(|end| format!("mercato_{name}{end}")));
    }
    known
}

#[test]
fn rules_and_dashboard_ask_for_metrics_that_exist() {
    let known = known_metrics();
    for name in [
        "mercato_orders",
        "mercato_request_duration_seconds_bucket",
        "mercato_postgres_waits_total",
        "mercato_log_lines_lost_total",
        "mercato_instances",
        "mercato_stripe_breaker_openings_total",
    ] {
        assert!(known.contains(name), "{name} is not found in the sources");
    }
    let dashboard: Value = serde_json::from_str(&read("deploy/monitoring/dashboard.json")).unwrap();
    let rules = object("deploy/monitoring/rules.yaml", "PrometheusRule");
    for (what, object, least) in [("rules", &rules, 30), ("dashboard", &dashboard, 25)] {
        let expressions = members(object, "expr");
        assert!(expressions.len() > least, "{what}: {}", expressions.len());
        for expression in expressions {
            let named = metrics(expression.as_str().unwrap());
            assert!(!named.is_empty(), "{what}: {expression}");
            for name in named {
                assert!(known.contains(&name), "{what}: there is no {name}");
            }
        }
    }
}
