//! Errors as clients see them: RFC 9457 problem details, with the members older clients know.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use mercato_platform::log;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::field_errors::FieldErrors;
use crate::{FieldError, Timestamp};

/// Prefix of every problem type.
const TYPE_BASE: &str = "https://mercato.dev/problems/";

/// Longest path that an error repeats, in characters. No path of the API has nearly as many.
const MAX_PATH_CHARS: usize = 200;

/// An error answer. Holds nothing that a client must not see.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    errors: FieldErrors,
    members: Map<String, Value>,
    headers: HeaderMap,
}

impl Problem {
    /// A problem of that status; `code` is its stable name and the end of its type URI.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            title,
            detail: detail.into(),
            errors: FieldErrors::default(),
            members: Map::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// 400: something about the request as a whole.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, "Bad request", detail)
    }

    /// 400: fields that break a rule, each named; of more than [`MAX_LISTED_ERRORS`](crate::MAX_LISTED_ERRORS) the
    /// first ones.
    #[must_use]
    pub fn validation(errors: Vec<FieldError>) -> Self {
        Self::of_fields(errors.into_iter().collect())
    }

    pub(crate) fn of_fields(errors: FieldErrors) -> Self {
        let mut problem = Self::new(
            StatusCode::BAD_REQUEST,
            "validation",
            "Validation failed",
            errors.summary(),
        );
        problem.0.errors = errors;
        problem
    }

    /// 401, with the challenge of RFC 6750. `error` is absent when there was no token at all.
    #[must_use]
    pub fn unauthorized(error: Option<&'static str>, detail: impl Into<String>) -> Self {
        let challenge = match error {
            Some("invalid_token") => {
                HeaderValue::from_static("Bearer realm=\"mercato\", error=\"invalid_token\"")
            }
            _ => HeaderValue::from_static("Bearer realm=\"mercato\""),
        };
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Unauthorized",
            detail,
        )
        .with_header(header::WWW_AUTHENTICATE, challenge)
    }

    /// 403.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden", detail)
    }

    /// 404: `what` is the thing that is not there, as in "product".
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not found",
            format!("there is no such {what}"),
        )
    }

    /// 409.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "Conflict", detail)
    }

    /// 412: the resource is not at the version the client named.
    #[must_use]
    pub fn precondition_failed() -> Self {
        let detail =
            "it is not what the tag in If-Match stands for: read it again and repeat the change";
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "version-mismatch",
            "Precondition failed",
            detail,
        )
    }

    /// 500: a fault of ours; the cause is in the log under the request's id.
    #[must_use]
    pub fn internal() -> Self {
        let detail = "something went wrong on our side: quote the request id when you report it";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            detail,
        )
    }

    /// 503: trying again soon is likely to work.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Service unavailable",
            detail,
        )
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 503: what was asked takes too long to find out, at least at the moment.
    #[must_use]
    pub fn too_expensive(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too-expensive",
            "Too expensive",
            detail,
        )
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 504: what the server answers in the place of a component that works on a request for longer than it is given.
    #[must_use]
    pub fn timeout() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "Timeout",
            "The request took longer than the server allows",
        )
    }

    /// The same problem with a further header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// The same problem with the fields at fault named.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors.into_iter().collect();
        self
    }

    /// The same problem, its detail followed by what the client should know besides.
    #[must_use]
    pub fn with_hint(mut self, hint: &str) -> Self {
        self.0.detail = format!("{}; {hint}", self.0.detail);
        self
    }

    /// The same problem with a member of its own (RFC 9457 section 3.2).
    #[must_use]
    pub fn with_member(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// The same problem with all members of that struct, for which `409: Type = "…"` of an endpoint stands.
    #[must_use]
    pub fn with_members(mut self, members: &impl Serialize) -> Self {
        match serde_json::to_value(members) {
            Ok(Value::Object(members)) => self.0.members.extend(members),
            _ => log::error("the members of a problem are no JSON object", &[]),
        }
        self
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Its stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.0.code
    }

    /// Headers it brings.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The document, for a request of that path and id at that moment (RFC 3339).
    #[must_use]
    pub fn document(&self, path: &str, request_id: &str, timestamp: &str) -> Value {
        let path = cut(path);
        let status = self.0.status.as_u16();
        let document = ProblemDocument {
            r#type: format!("{TYPE_BASE}{}", self.0.code),
            title: self.0.title,
            status,
            detail: &self.0.detail,
            instance: &path,
            errors: self.0.errors.listed(),
            errors_total: self.0.errors.total_if_more(),
            request_id,
            status_code: status,
            message: &self.0.detail,
            timestamp,
            path: &path,
            members: &self.0.members,
        };
        // Texts and numbers are always JSON.
        serde_json::to_value(document).unwrap_or_default()
    }
}

/// The beginning of a path. What comes from a request's line is ASCII; the points at its end may stand in a URI.
fn cut(path: &str) -> Cow<'_, str> {
    match path.char_indices().nth(MAX_PATH_CHARS) {
        None => Cow::Borrowed(path),
        Some((end, _)) => Cow::Owned(format!("{}...", path.get(..end).unwrap_or_default())),
    }
}

/// An error as a problem document (RFC 9457), with the members that clients of the first version know.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// Stable name of the kind of problem, as a URI.
    #[schema(format = "uri", example = "https://mercato.dev/problems/validation")]
    r#type: String,
    /// The kind of problem in words.
    #[schema(example = "Validation failed")]
    title: &'a str,
    /// Status of the answer.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    status: u16,
    /// What is wrong with this request, and what to do.
    #[schema(example = "price must not be less than 0")]
    detail: &'a str,
    /// Path of the request; of a long one the first 200 characters, and `...`.
    #[schema(example = "/api/v1/products")]
    instance: &'a str,
    /// The fields at fault, each named; the first fifty of them.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false, max_items = 50)]
    errors: &'a [FieldError],
    /// How many fields are at fault; absent when `errors` names them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64, minimum = 51, example = 120)]
    errors_total: Option<usize>,
    /// Ties the answer to the shop's log.
    #[schema(example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    request_id: &'a str,
    /// As `status`.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    status_code: u16,
    /// As `detail`.
    #[schema(example = "price must not be less than 0")]
    message: &'a str,
    /// When it happened.
    #[schema(value_type = Timestamp)]
    timestamp: &'a str,
    /// As `instance`.
    #[schema(example = "/api/v1/products")]
    path: &'a str,
    #[serde(flatten)]
    #[schema(ignore)]
    members: &'a Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_has_the_members_of_rfc_9457_and_the_older_ones() {
        let problem = Problem::validation(vec![
            FieldError::new("price", "min", "price must not be less than 0"),
            FieldError::new("name", "required", "name is required"),
        ])
        .with_member("hint", json!("read the docs"));
        let document = problem.document("/api/v1/products", "r1", "2026-01-01T00:00:00.000Z");
        assert_eq!(
            document,
            json!({
                "type": "https://mercato.dev/problems/validation", "title": "Validation failed", "status": 400,
                "detail": "2 fields are invalid", "instance": "/api/v1/products",
                "errors": [
                    {"field": "price", "code": "min", "message": "price must not be less than 0"},
                    {"field": "name", "code": "required", "message": "name is required"},
                ],
                "requestId": "r1", "statusCode": 400, "message": "2 fields are invalid",
                "timestamp": "2026-01-01T00:00:00.000Z", "path": "/api/v1/products", "hint": "read the docs",
            })
        );
    }

    #[test]
    fn a_struct_has_the_members_of_its_kind_of_problem() {
        #[derive(Serialize)]
        struct Members {
            limit: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            lines: Option<u32>,
        }

        let members = Members {
            limit: 5,
            lines: None,
        };
        let problem = Problem::conflict("too-many", "5 are taken").with_members(&members);
        let document = problem.document("/", "r", "t");
        assert_eq!(
            (&document["limit"], document.get("lines")),
            (&json!(5), None)
        );
        assert_eq!(document["status"], 409);
    }

    #[test]
    fn a_long_path_comes_back_cut() {
        let path = format!("/{}", "a".repeat(30_000));
        let document = Problem::internal().document(&path, "r", "t");
        assert_eq!(document["path"], format!("/{}...", "a".repeat(199)));
        assert_eq!(document["instance"], document["path"]);
    }

    #[test]
    fn more_errors_than_are_listed_are_counted() {
        let error = FieldError::new("a", "min", "a is too small");
        let document = Problem::validation(vec![error; 51]).document("/", "r", "t");
        assert_eq!(document["errors"].as_array().map(Vec::len), Some(50));
        assert_eq!(document["errorsTotal"], 51);
    }

    #[test]
    fn a_hint_follows_the_detail() {
        let problem = Problem::bad_request("incomplete-body", "the body ended early");
        let document = problem.with_hint("send it again").document("/", "r", "t");
        assert_eq!(document["detail"], "the body ended early; send it again");
        assert_eq!(document["message"], document["detail"]);
    }

    #[test]
    fn a_challenge_says_whether_there_was_a_token() {
        let challenge = |problem: &Problem| {
            problem.headers()[header::WWW_AUTHENTICATE]
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            challenge(&Problem::unauthorized(None, "no")),
            "Bearer realm=\"mercato\""
        );
        assert!(
            challenge(&Problem::unauthorized(Some("invalid_token"), "no"))
                .ends_with("error=\"invalid_token\"")
        );
    }
}
