//! Every body in JSON has examples, and every example is as its schema says.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jsonschema::Validator;
use serde_json::Value;

use super::{contents, examples, operations};

/// The schemas of a document.
pub struct Schemas<'a> {
    document: &'a Value,
    /// What was made of them so far, by their text.
    known: RefCell<HashMap<String, Rc<Validator>>>,
}

impl<'a> Schemas<'a> {
    pub fn of(document: &'a Value) -> Self {
        Self {
            document,
            known: RefCell::default(),
        }
    }

    /// A validator of a schema, which may refer to others of the document.
    pub fn validator(&self, schema: &Value) -> Rc<Validator> {
        let make = || {
            let mut whole = schema.clone();
            whole["components"] = self.document["components"].clone();
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            Rc::new(options.build(&whole).unwrap())
        };
        let mut known = self.known.borrow_mut();
        known.entry(schema.to_string()).or_insert_with(make).clone()
    }
}

pub fn complaints(document: &Value, schemas: &Schemas<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    for operation in operations(document) {
        for (status, media_type, content) in contents(&operation) {
            let is_empty = content["examples"]
                .as_object()
                .is_none_or(serde_json::Map::is_empty);
            let has_one = content.get("example").is_some();
            // What a file or a form holds is shown by an example or said in its schema.
            if is_empty && !has_one && media_type != "multipart/form-data" {
                let place = status.unwrap_or("request");
                complaints.push(format!(
                    "{} {place} {media_type}: there is no example",
                    operation.id
                ));
            }
        }
    }
    for example in examples(document) {
        for error in schemas.validator(example.schema).iter_errors(example.value) {
            let at = error.instance_path();
            complaints.push(format!("{}: {error} at {at}", example.place()));
        }
    }
    complaints
}
