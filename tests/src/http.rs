//! A small blocking HTTP client that treats every status as an answer.

use std::time::Duration;

use serde_json::Value;
use ureq::{
    Agent,
    http::{self, HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
};

const TIMEOUT: Duration = Duration::from_secs(60);

/// The largest answer that is read.
const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;

/// A client of one server. Follows no redirects, keeps its connections.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    base_url: String,
    token: Option<String>,
}

impl Client {
    /// A client of the server at a URL without a path, for example `http://127.0.0.1:3000`.
    pub fn new(base_url: impl Into<String>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            .proxy(None)
            .allow_non_standard_methods(true)
            .build();
        Self {
            agent: config.new_agent(),
            base_url: base_url.into().trim_end_matches('/').to_owned(),
            token: None,
        }
    }

    /// The client, sending this access token with every request.
    pub fn with_token(self, token: &str) -> Self {
        let token = Some(token.to_owned());
        Self { token, ..self }
    }

    /// The server's URL without a path.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A request; `path` begins with `/`, or is a whole URL.
    ///
    /// # Panics
    /// When the method is not one.
    pub fn request(&self, method: &str, path: &str) -> Request<'_> {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.base_url)
        } else {
            path.to_owned()
        };
        let request = Request {
            agent: &self.agent,
            method: method.parse().expect("a method"),
            url,
            headers: HeaderMap::new(),
            body: None,
        };
        match &self.token {
            Some(token) => request.bearer(token),
            None => request,
        }
    }

    /// A GET request.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.request("GET", path)
    }

    /// A POST request.
    pub fn post(&self, path: &str) -> Request<'_> {
        self.request("POST", path)
    }

    /// A PATCH request.
    pub fn patch(&self, path: &str) -> Request<'_> {
        self.request("PATCH", path)
    }

    /// A DELETE request.
    pub fn delete(&self, path: &str) -> Request<'_> {
        self.request("DELETE", path)
    }
}

/// A request that is being put together.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'a> {
    agent: &'a Agent,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Request<'_> {
    /// Adds a header.
    ///
    /// # Panics
    /// When name or value is not allowed in HTTP.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header name");
        let value: HeaderValue = value.parse().expect("a header value");
        self.headers.append(name, value);
        self
    }

    /// Adds `Authorization: Bearer`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends JSON.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends a body as it is.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }

    /// Sends the request and reads the whole answer.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn send(self) -> Response {
        let shown = format!("{} {}", self.method, self.url);
        self.try_send()
            .unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    /// Sends the request and checks the status: see [`Response::expect`].
    #[track_caller]
    pub fn expect(self, status: u16) -> Response {
        self.send().expect(status)
    }

    /// Sends the request, checks the status and returns the JSON of the answer.
    #[track_caller]
    pub fn expect_json(self, status: u16) -> Value {
        self.expect(status).json()
    }

    /// Sends the request, which is refused: see [`Response::expect_problem`].
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        self.send().expect_problem(status, code)
    }

    /// Sends the request, which is refused for these fields: see [`Response::expect_invalid`].
    #[track_caller]
    pub fn expect_invalid(self, fields: &[(&str, &str)]) -> Value {
        self.send().expect_invalid(fields)
    }

    /// Sends the request and reads the whole answer, if there is one: for servers that are killed meanwhile.
    ///
    /// # Errors
    /// When the server cannot be reached, breaks off, or takes longer than a minute.
    pub fn try_send(self) -> Result<Response, ureq::Error> {
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(&self.url)
            .body(())?;
        *request.headers_mut() = self.headers;
        let mut answer = match self.body {
            Some(body) => self.agent.run(request.map(|()| body))?,
            None => self.agent.run(request)?,
        };
        let body = answer
            .body_mut()
            .with_config()
            .limit(MAX_BODY_BYTES)
            .read_to_vec()?;
        Ok(Response {
            request: format!("{} {}", self.method, self.url),
            status: answer.status(),
            headers: answer.headers().clone(),
            body,
        })
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    request: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Checks the status.
    ///
    /// # Panics
    /// When it is another one; shows the body then.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status(),
            status,
            "{} answered {}: {}",
            self.request,
            self.status,
            self.text()
        );
        self
    }

    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header's first value, which there must be.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn expect_header(&self, name: &str) -> String {
        let value = self.header(name);
        value
            .unwrap_or_else(|| panic!("{} answered without {name}", self.request))
            .to_owned()
    }

    /// Whether a header that is a list names the entry.
    pub fn lists(&self, name: &str, entry: &str) -> bool {
        self.headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|found| found.trim().eq_ignore_ascii_case(entry))
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{} answered no JSON ({error}): {}",
                self.request,
                self.text()
            )
        })
    }
}
