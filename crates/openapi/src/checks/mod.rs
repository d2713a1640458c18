//! Whether the document's examples are true: of their schemas, of the operations they stand at, and of each other. The
//! checks read nothing but the document, so they hold for whatever makes the examples.

mod access;
mod kinds;
mod numbers;
mod problems;
mod schemas;
mod states;
mod story;
mod tampering;

use std::sync::LazyLock;

use serde_json::{Map, Value};

use schemas::Schemas;

/// The document as it is.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(crate::document().unwrap()).unwrap());

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// An operation of the document.
#[derive(Clone, Copy)]
struct Operation<'a> {
    id: &'a str,
    method: &'a str,
    path: &'a str,
    value: &'a Value,
}

/// An example, and where it stands.
#[derive(Clone, Copy)]
struct Example<'a> {
    operation: Operation<'a>,
    /// Of an answer; none of a request.
    status: Option<&'a str>,
    name: &'a str,
    schema: &'a Value,
    value: &'a Value,
}

impl Example<'_> {
    fn place(&self) -> String {
        let status = self.status.unwrap_or("request");
        format!("{} {status} {}", self.operation.id, self.name)
    }

    fn is_problem(&self) -> bool {
        self.value.get("type").is_some() && self.value.get("instance").is_some()
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            let Some(value) = item.get(method) else {
                continue;
            };
            let id = value["operationId"].as_str().unwrap();
            found.push(Operation {
                id,
                method,
                path,
                value,
            });
        }
    }
    found
}

/// The media types of an operation's request (none) and answers (by status), and what is said of each.
fn contents<'a>(operation: &Operation<'a>) -> Vec<(Option<&'a str>, &'a str, &'a Value)> {
    fn of<'a>(
        status: Option<&'a str>,
        holder: &'a Value,
    ) -> Vec<(Option<&'a str>, &'a str, &'a Value)> {
        let content = holder["content"].as_object();
        content
            .into_iter()
            .flatten()
            .map(move |(media_type, content)| (status, media_type.as_str(), content))
            .collect()
    }
    let mut contents = of(None, &operation.value["requestBody"]);
    let answers = operation.value["responses"].as_object().unwrap();
    for (status, answer) in answers {
        contents.extend(of(Some(status), answer));
    }
    contents
}

fn examples(document: &Value) -> Vec<Example<'_>> {
    let mut found = Vec::new();
    for operation in operations(document) {
        for (status, _, content) in contents(&operation) {
            let examples = content["examples"].as_object();
            for (name, example) in examples.into_iter().flatten() {
                found.push(Example {
                    operation,
                    status,
                    name,
                    schema: &content["schema"],
                    value: &example["value"],
                });
            }
        }
    }
    found
}

/// Every object in a value, the innermost ones too.
fn objects(value: &Value) -> Vec<&Map<String, Value>> {
    match value {
        Value::Object(members) => {
            let inner = members.values().flat_map(objects);
            std::iter::once(members).chain(inner).collect()
        }
        Value::Array(items) => items.iter().flat_map(objects).collect(),
        _ => Vec::new(),
    }
}

/// Everything that is not true of the document, each in a sentence.
fn complaints(document: &Value) -> Vec<String> {
    let schemas = Schemas::of(document);
    let mut complaints = schemas::complaints(document, &schemas);
    complaints.extend(access::complaints(document));
    for example in examples(document) {
        let found = problems::complaints(&schemas, &example)
            .into_iter()
            .chain(numbers::complaints(&example))
            .chain(states::complaints(&example));
        complaints.extend(found.map(|complaint| format!("{}: {complaint}", example.place())));
    }
    complaints.extend(story::complaints(document));
    complaints
}

#[test]
fn every_example_is_true() {
    let complaints = complaints(&DOCUMENT);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(examples(&DOCUMENT).len() > operations(&DOCUMENT).len());
}
