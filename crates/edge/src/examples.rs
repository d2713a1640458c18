//! Examples of the OpenAPI document: what a request may bring and what is answered then. Answers are made by the functions
//! that make them in a running shop, so they say what the shop says.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use mercato_kernel::{Page, Total};
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, RefOr, Response};

pub use crate::arguments::from_path;
use crate::openapi::Mismatch;
use crate::story::{PROBLEM_TIME, REQUEST_ID};
use crate::{
    Access, Answer, DEFAULT_PAGE_LIMIT, Fields, FromFields, FromQuery, Problem, QueryString, Reply,
    Route, decoding, etag, guard, stream, unsupported_media_type,
};

const JSON: &str = "application/json";

const PROBLEM_JSON: &str = "application/problem+json";

/// The examples of an adapter's operations.
#[derive(Debug, Default)]
pub struct Examples(Vec<OperationExamples>);

/// The examples of one operation.
#[derive(Debug)]
pub struct OperationExamples {
    method: Method,
    pattern: &'static str,
    /// The path of a request, with values in it.
    path: String,
    requests: Vec<Example>,
    answers: Vec<(u16, Example)>,
    /// Problems of the edge that this operation never answers.
    never: Vec<&'static str>,
}

#[derive(Debug, Clone)]
struct Example {
    content_type: String,
    name: String,
    summary: String,
    value: Value,
}

impl Examples {
    /// These and those of another operation.
    #[must_use]
    pub fn with(mut self, examples: OperationExamples) -> Self {
        self.0.push(examples);
        self
    }

    /// Takes out the examples of that operation.
    pub(crate) fn take(&mut self, route: &Route) -> OperationExamples {
        let is_of = |examples: &OperationExamples| {
            examples.method == route.method && examples.pattern == route.pattern
        };
        match self.0.iter().position(is_of) {
            Some(index) => self.0.swap_remove(index),
            None => OperationExamples::of(route.method.clone(), route.pattern, &[]),
        }
    }

    /// Those that nobody has taken.
    pub(crate) fn rest(self) -> impl Iterator<Item = Mismatch> {
        let unused = |examples: OperationExamples| {
            Mismatch::ExampleOfNothing(examples.method, examples.pattern, "any answer".to_owned())
        };
        self.0.into_iter().map(unused)
    }
}

impl Route {
    /// The examples of this operation, none so far, in whose path the parameters have these values.
    #[must_use]
    pub fn examples(&self, parameters: &[(&str, &str)]) -> OperationExamples {
        OperationExamples::of(self.method.clone(), self.pattern, parameters)
    }
}

impl OperationExamples {
    fn of(method: Method, pattern: &'static str, parameters: &[(&str, &str)]) -> Self {
        let fill = |path: String, (name, value): &(&str, &str)| {
            path.replace(&format!("{{{name}}}"), value)
        };
        Self {
            method,
            pattern,
            path: parameters.iter().fold(pattern.to_owned(), fill),
            requests: Vec::new(),
            answers: Vec::new(),
            never: Vec::new(),
        }
    }

    /// A request with that body in JSON.
    #[must_use]
    pub fn request(self, name: &str, summary: &str, body: Value) -> Self {
        self.request_as(JSON, name, summary, body)
    }

    /// A request with that body in another media type.
    #[must_use]
    pub fn request_as(mut self, media_type: &str, name: &str, summary: &str, body: Value) -> Self {
        self.requests.push(Example {
            content_type: media_type.to_owned(),
            name: name.to_owned(),
            summary: summary.to_owned(),
            value: body,
        });
        self
    }

    /// That answer.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn answer(self, name: &str, summary: &str, answer: impl Answer) -> Result<Self, Problem> {
        let reply = answer.into_reply()?;
        Ok(self.reply(name, summary, &reply))
    }

    /// An answer with that body in another media type, which is made while it is sent.
    #[must_use]
    pub fn answer_as(mut self, media_type: &str, name: &str, summary: &str, body: Value) -> Self {
        let example = Example {
            content_type: media_type.to_owned(),
            name: name.to_owned(),
            summary: summary.to_owned(),
            value: body,
        };
        self.answers.push((200, example));
        self
    }

    fn reply(mut self, name: &str, summary: &str, reply: &Reply) -> Self {
        let declared = reply.headers().get(header::CONTENT_TYPE);
        let content_type = declared.and_then(|value| value.to_str().ok());
        let content_type = content_type.and_then(|value| value.split(';').next());
        let text = || Value::String(String::from_utf8_lossy(reply.body()).into_owned());
        let example = Example {
            content_type: content_type.unwrap_or_default().to_owned(),
            name: name.to_owned(),
            summary: summary.to_owned(),
            value: serde_json::from_slice(reply.body()).unwrap_or_else(|_| text()),
        };
        self.answers.push((reply.status().as_u16(), example));
        self
    }

    /// That problem, under the name of its kind.
    #[must_use]
    pub fn problem(self, problem: &Problem) -> Self {
        let code = problem.code();
        self.problem_named(code, problem)
    }

    /// Those problems, each under the name of its kind.
    #[must_use]
    pub fn problems(self, problems: impl IntoIterator<Item = Problem>) -> Self {
        let add = |examples: Self, problem| examples.problem(&problem);
        problems.into_iter().fold(self, add)
    }

    /// That problem, where there are several of its kind.
    #[must_use]
    pub fn problem_named(mut self, name: &str, problem: &Problem) -> Self {
        let example = Example {
            content_type: PROBLEM_JSON.to_owned(),
            name: name.to_owned(),
            summary: String::new(),
            value: problem.document(&self.path, REQUEST_ID, PROBLEM_TIME),
        };
        self.answers.push((problem.status().as_u16(), example));
        self
    }

    /// The edge's problem of that kind is not answered: the handler reads the request in a way of its own.
    #[must_use]
    pub fn never(mut self, code: &'static str) -> Self {
        self.never.push(code);
        self
    }

    /// Adds what the edge itself answers, unless the adapter has an example of the same kind.
    fn with_problems_of_the_edge(mut self, operation: &Operation, route: &Route) -> Self {
        for problem in problems_of_the_edge(operation, route) {
            let status = problem.status().as_u16();
            let is_known = self.answers.iter().any(|(known, example)| {
                *known == status && is_of_kind(&example.value, problem.code())
            });
            if !is_known && !self.never.contains(&problem.code()) {
                self = self.problem(&problem);
            }
        }
        self
    }

    /// Puts the examples where they belong.
    pub(crate) fn put_into(self, operation: &mut Operation, route: &Route) -> Result<(), Mismatch> {
        let examples = self.with_problems_of_the_edge(operation, route);
        let nowhere =
            |place: String| Mismatch::ExampleOfNothing(route.method.clone(), route.pattern, place);
        for example in examples.requests {
            let place = format!("a request in {}", example.content_type);
            let body = operation.request_body.as_mut();
            let content = body.and_then(|body| match body {
                RefOr::T(body) => body.content.get_mut(&example.content_type),
                RefOr::Ref(_) => None,
            });
            put(example, content).ok_or_else(|| nowhere(place))?;
        }
        for (status, example) in examples.answers {
            let place = format!("{status} in {}", example.content_type);
            let answer = operation.responses.responses.get_mut(&status.to_string());
            let content = answer.and_then(|answer| content_of(answer, &example.content_type));
            put(example, content).ok_or_else(|| nowhere(place))?;
        }
        Ok(())
    }
}

fn content_of<'a>(
    answer: &'a mut RefOr<Response>,
    content_type: &str,
) -> Option<&'a mut RefOr<Content>> {
    match answer {
        RefOr::T(answer) => answer.content.get_mut(content_type),
        RefOr::Ref(_) => None,
    }
}

fn put(example: Example, content: Option<&mut RefOr<Content>>) -> Option<()> {
    let Some(RefOr::T(content)) = content else {
        return None;
    };
    let shown = ExampleBuilder::new()
        .summary(example.summary)
        .value(Some(example.value))
        .build();
    content.example = None;
    content.examples.insert(example.name, shown.into());
    Some(())
}

fn is_of_kind(problem: &Value, code: &str) -> bool {
    let kind = problem.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.rsplit('/').next() == Some(code))
}

/// What the edge itself may answer to an operation: made by the code that answers it.
fn problems_of_the_edge(operation: &Operation, route: &Route) -> Vec<Problem> {
    let mut problems = vec![
        refusal(QueryString::parse("surprise=1").finish()),
        Problem::internal(),
        Problem::unavailable("too busy at the moment: try again soon"),
    ];
    if route.access != Access::Public {
        problems.push(guard::missing_token());
    }
    if route.access == Access::Admin {
        problems.push(guard::admins_only());
    }
    let parameters = operation.parameters.iter().flatten();
    let takes_a_tag = parameters
        .into_iter()
        .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "If-Match"));
    if takes_a_tag {
        problems.push(refusal(etag::expected(&too_many_tags())));
    }
    if operation.request_body.is_some() {
        if route.body.media_types().contains(&JSON) {
            problems.push(refusal(Fields::parse(b"{\"name\": \"Espresso cup\",}")));
        }
        problems.extend([
            stream::incomplete(),
            stream::damaged(),
            stream::too_large(route.body.max_bytes()),
            unsupported_media_type(route.body.media_types()),
            decoding::unsupported(),
        ]);
    }
    problems
}

fn too_many_tags() -> HeaderMap {
    let tags: Vec<String> = (0..=etag::MAX_TAGS)
        .map(|tag| format!("\"{tag}\""))
        .collect();
    let value = HeaderValue::try_from(tags.join(", "));
    value
        .map(|value| (header::IF_MATCH, value))
        .into_iter()
        .collect()
}

/// What is read of a JSON body.
///
/// # Errors
/// What is wrong with it.
pub fn from_json<T: FromFields>(json: &str) -> Result<T, Problem> {
    T::draft(Fields::parse(json.as_bytes())?).finish()
}

/// What is read of a query string.
///
/// # Errors
/// What is wrong with it.
pub fn from_query<T: FromQuery>(query: &str) -> Result<T, Problem> {
    T::draft(QueryString::parse(query)).finish()
}

/// The only page of a list that has just these entries.
#[must_use]
pub fn only_page<T>(entries: Vec<T>) -> Page<T> {
    let total = Total::counted(entries.len() as u64);
    Page {
        entries,
        total,
        page: 1,
        limit: DEFAULT_PAGE_LIMIT,
        next: None,
    }
}

/// The problem that something is refused with. What is not refused comes out as a fault, which no check of the examples lets
/// pass.
pub fn refusal<T>(result: Result<T, Problem>) -> Problem {
    result.err().unwrap_or_else(Problem::internal)
}

/// The statuses of the edge's own answers to an operation, and what they say.
pub(crate) fn answers_of_the_edge(
    operation: &Operation,
    route: &Route,
) -> Vec<(StatusCode, &'static str)> {
    let mut statuses: Vec<StatusCode> = problems_of_the_edge(operation, route)
        .iter()
        .map(Problem::status)
        .collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
        .into_iter()
        .map(|status| (status, description(status)))
        .collect()
}

const fn description(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "The request is malformed or breaks a rule; `errors` names each field",
        401 => "No valid access token",
        403 => "For admins only",
        413 => "The body is too large",
        415 => "The body is of another content type, or packed in another way than with gzip",
        503 => "Too busy at the moment: try again after `Retry-After` seconds",
        _ => "A fault of ours: quote the request id",
    }
}

/// An operation's problem of that status: one that brings headers, if there is any.
pub(crate) fn headers_of(operation: &Operation, route: &Route, status: StatusCode) -> HeaderMap {
    problems_of_the_edge(operation, route)
        .iter()
        .filter(|problem| problem.status() == status)
        .flat_map(|problem| problem.headers().clone())
        .filter_map(|(name, value)| Some((name?, value)))
        .collect()
}
