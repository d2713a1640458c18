//! A problem is one of the answer that it stands at: its status, its path, its kind.

use serde_json::Value;

use super::schemas::Schemas;
use super::{Example, Operation};

pub fn complaints(schemas: &Schemas<'_>, example: &Example<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let Some(status) = example.status else {
        return complaints;
    };
    let problem = example.value;
    if !example.is_problem() {
        return complaints;
    }
    let mut differs = |what: &str, found: &Value, expected: &str| {
        complaints.push(format!("{what} is {found} and not {expected}"));
    };
    for member in ["status", "statusCode"] {
        if problem[member].as_u64() != status.parse().ok() {
            differs(member, &problem[member], status);
        }
    }
    for (member, same) in [("path", "instance"), ("message", "detail")] {
        if problem[member] != problem[same] {
            differs(member, &problem[member], &problem[same].to_string());
        }
    }
    let kind = problem["type"].as_str().unwrap_or_default();
    let kind = kind.rsplit('/').next().unwrap_or_default();
    if !example.name.starts_with(kind) || kind.is_empty() {
        differs("the kind", &problem["type"], example.name);
    }
    let path = problem["instance"].as_str().unwrap_or_default();
    if !fits(schemas, &example.operation, path) {
        differs("instance", &problem["instance"], example.operation.path);
    }
    let described = example.operation.value["responses"][status]["description"].as_str();
    let missing = kinds_in(described.unwrap_or_default()).into_iter().filter(|kind| {
        let shown = &example.operation.value["responses"][status]["content"]
            ["application/problem+json"]["examples"];
        shown.get(kind).is_none()
    });
    complaints.extend(missing.map(|kind| format!("there is no example of {kind}")));
    complaints
}

/// The kinds of problems that a description names: words with dashes, set as code.
fn kinds_in(description: &str) -> Vec<&str> {
    let code = description.split('`').skip(1).step_by(2);
    code.filter(|word| {
        word.contains('-')
            && word
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_lowercase())
    })
    .collect()
}

/// Whether a path is one of the operation's, with values that its parameters may have.
fn fits(schemas: &Schemas<'_>, operation: &Operation<'_>, path: &str) -> bool {
    let (expected, found): (Vec<&str>, Vec<&str>) = (
        operation.path.split('/').collect(),
        path.split('/').collect(),
    );
    let fits = |(expected, found): (&&str, &&str)| {
        let name = expected
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let Some(name) = name else {
            return expected == found;
        };
        let parameters = operation.value["parameters"].as_array();
        let parameter = parameters
            .into_iter()
            .flatten()
            .find(|parameter| parameter["name"] == name && parameter["in"] == "path");
        parameter.is_some_and(|parameter| {
            schemas
                .validator(&parameter["schema"])
                .is_valid(&Value::from(*found))
        })
    };
    expected.len() == found.len() && expected.iter().zip(&found).all(fits)
}
