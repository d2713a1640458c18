//! Errors as the API gives them: RFC 9457 problem details with the members older clients know.

use serde_json::Value;

use crate::Response;

impl Response {
    /// Checks that this is an error of that status and stable code in the shape that every error has.
    ///
    /// # Panics
    /// When it is not; shows the body then.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        let answer = self.expect(status);
        let content_type = answer.header("content-type");
        let shown = answer.text();
        assert_eq!(content_type, Some("application/problem+json"), "{shown}");
        let problem = answer.json();
        assert_eq!(
            problem["type"],
            format!("https://mercato.dev/problems/{code}"),
            "{shown}"
        );
        assert_eq!(problem["status"], status, "{shown}");
        assert_eq!(problem["statusCode"], status, "{shown}");
        for member in ["title", "detail", "message", "instance", "path"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "no {member}: {shown}");
        }
        assert_eq!(problem["detail"], problem["message"], "{shown}");
        assert_eq!(problem["instance"], problem["path"], "{shown}");
        assert_eq!(
            problem["requestId"].as_str(),
            answer.header("x-request-id"),
            "{shown}"
        );
        assert!(
            is_rfc3339_milliseconds(problem["timestamp"].as_str().unwrap_or_default()),
            "{shown}"
        );
        assert_leaks_nothing(&shown);
        problem
    }

    /// Checks that this is a refusal of exactly these fields, each with its code, in any order.
    ///
    /// # Panics
    /// When it is not; shows the body then.
    #[track_caller]
    pub fn expect_invalid(self, fields: &[(&str, &str)]) -> Value {
        let problem = self.expect_problem(400, "validation");
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let mut found: Vec<(&str, &str)> = errors
            .iter()
            .map(|error| {
                let message = error["message"].as_str().unwrap_or_default();
                assert!(!message.is_empty(), "an error says nothing: {problem}");
                let field = error["field"].as_str().unwrap_or_default();
                (field, error["code"].as_str().unwrap_or_default())
            })
            .collect();
        let mut expected = fields.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{problem}");
        problem
    }
}

/// Checks members of an object, whatever else it has.
///
/// # Panics
/// When one is missing or another one; shows the object then.
#[track_caller]
pub fn assert_members(object: &Value, expected: &Value) {
    let expected = expected.as_object().expect("an object");
    for (name, value) in expected {
        assert_eq!(&object[name], value, "{name} of {object}");
    }
}

/// Whether a text is a moment as the API writes it: `2026-01-31T12:00:00.000Z`.
pub fn is_rfc3339_milliseconds(text: &str) -> bool {
    let pattern = b"0000-00-00T00:00:00.000Z";
    text.len() == pattern.len()
        && text
            .bytes()
            .zip(pattern)
            .all(|(byte, expected)| match expected {
                b'0' => byte.is_ascii_digit(),
                other => byte == *other,
            })
}

/// What an error must never show: SQL, files, or where in the code it happened.
#[track_caller]
fn assert_leaks_nothing(body: &str) {
    for sign in [
        "SELECT ",
        "INSERT ",
        "UPDATE ",
        "sqlite",
        "UNIQUE",
        "constraint",
        ".rs:",
        ".db",
        "panicked",
        "$2b$",
        "/home/",
        "/tmp/",
    ] {
        assert!(!body.contains(sign), "an error shows {sign:?}: {body}");
    }
}
