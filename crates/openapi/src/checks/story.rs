//! The examples tell one purchase: whoever follows an id from operation to operation finds the same thing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{examples, objects};

/// Members that name a thing, and what must be the same wherever that thing is shown.
const THINGS: [(&str, &[&str]); 5] = [
    (
        "totalAmount",
        &[
            "number",
            "userId",
            "totalAmount",
            "totalItems",
            "currency",
            "items",
            "createdAt",
        ],
    ),
    (
        "sku",
        &["name", "sku", "description", "currency", "createdAt"],
    ),
    ("email", &["email", "role"]),
    ("provider", &["amount", "currency", "provider"]),
    ("current", &["current", "createdAt"]),
];

/// Members that name something which other operations show.
const REFERENCES: [(&str, &str); 6] = [
    ("orderId", "totalAmount"),
    ("productId", "sku"),
    ("userId", "email"),
    ("replacedBy", "totalAmount"),
    ("paymentId", "provider"),
    ("client_reference_id", "totalAmount"),
];

pub fn complaints(document: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut known: BTreeMap<(&str, String), (String, Value)> = BTreeMap::new();
    let examples = examples(document);
    for example in &examples {
        for members in objects(example.value) {
            let Some(id) = members.get("id").and_then(Value::as_str) else {
                continue;
            };
            for (mark, same) in THINGS
                .iter()
                .filter(|(mark, _)| members.contains_key(*mark))
            {
                for name in same.iter().filter(|name| members.contains_key(**name)) {
                    let (place, first) = known
                        .entry((mark, format!("{id} {name}")))
                        .or_insert_with(|| (example.place(), members[*name].clone()));
                    if *first != members[*name] {
                        let place_of_this = example.place();
                        complaints.push(format!(
                            "{place_of_this}: {name} of {id} is not as in {place}"
                        ));
                    }
                }
            }
        }
    }
    let is_shown = |mark: &str, id: &str| {
        let begin = format!("{id} ");
        known
            .keys()
            .any(|(known, key)| *known == mark && key.starts_with(&begin))
    };
    for example in &examples {
        for members in objects(example.value) {
            for (name, mark) in REFERENCES {
                let id = members.get(name).and_then(Value::as_str);
                if let Some(id) = id.filter(|id| !is_shown(mark, id)) {
                    let place = example.place();
                    complaints.push(format!("{place}: no operation shows {name} {id}"));
                }
            }
        }
    }
    complaints
}
