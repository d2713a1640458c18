//! Who may call an operation is what its route says, and nothing is filled in that a reader has not chosen.

use mercato_edge::Access;
use serde_json::{Value, json};

use super::operations;

pub fn complaints(document: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for operation in operations(document) {
        let route = crate::routes().find(|route| {
            route.pattern == operation.path
                && route.method.as_str().eq_ignore_ascii_case(operation.method)
        });
        let expected = match route.map(|route| route.access) {
            // The operator's secret is no account's token.
            Some(Access::Public) if operation.id == "getMetrics" => json!([{"metrics": []}]),
            Some(Access::Public) => json!([]),
            Some(Access::Optional | Access::Guest) => json!([{}, {"bearer": []}]),
            Some(
                Access::GuestBearer
                | Access::GuestSession
                | Access::Bearer
                | Access::Session
                | Access::Admin,
            ) => json!([{"bearer": []}]),
            None => json!("a route"),
        };
        let found = &operation.value["security"];
        if *found != expected {
            complaints.push(format!(
                "{}: security is {found} and not {expected}",
                operation.id
            ));
        }
        let parameters = operation.value["parameters"].as_array();
        for parameter in parameters.into_iter().flatten() {
            // An empty object keeps pages from making one up.
            let fills_in = |example: &Value| *example != json!({});
            let is_filled_in = ["example", "examples"].into_iter().any(|name| {
                parameter.get(name).is_some_and(fills_in) || parameter["schema"].get(name).is_some()
            });
            let name = parameter["name"].as_str().unwrap_or_default();
            if parameter["required"] != true && is_filled_in {
                complaints.push(format!("{}: {name} is filled in", operation.id));
            }
        }
    }
    complaints
}
