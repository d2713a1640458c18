//! The log: one JSON object per line on standard error, where Spin and the runner pick it up.
//!
//! Never log a secret, a token, a password or a whole request body.

use serde_json::{Map, Value};

use crate::clock::{self, Clock, SystemClock};

/// Something went as it should, and an operator may want to know.
pub fn info(message: &str, fields: &[(&str, &str)]) {
    write("info", message, fields);
}

/// Something is not as it should be, and the shop goes on.
pub fn warn(message: &str, fields: &[(&str, &str)]) {
    write("warn", message, fields);
}

/// Something failed; the client saw an error.
pub fn error(message: &str, fields: &[(&str, &str)]) {
    write("error", message, fields);
}

#[allow(clippy::disallowed_macros, reason = "this is the seam")]
fn write(level: &str, message: &str, fields: &[(&str, &str)]) {
    eprintln!(
        "{}",
        line(
            &clock::rfc3339(SystemClock.now_ms()),
            level,
            message,
            fields
        )
    );
}

fn line(time: &str, level: &str, message: &str, fields: &[(&str, &str)]) -> String {
    let mut object = Map::new();
    for (name, value) in [("time", time), ("level", level), ("message", message)]
        .iter()
        .chain(fields)
    {
        object.insert((*name).to_owned(), Value::from(*value));
    }
    Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_whatever_the_values() {
        let line = line("t", "warn", "two\nlines", &[("order_id", "\"quoted\"")]);
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["message"], "two\nlines");
        assert_eq!(value["order_id"], "\"quoted\"");
        assert_eq!(value["level"], "warn");
    }
}
