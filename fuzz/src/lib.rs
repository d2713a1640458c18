//! One request to a shop of its own: every part of the edge library that reads what clients send, behind a table of
//! routes that reads as the adapters do. The adapters themselves end in calls to other components, which exist only
//! inside WebAssembly.

use bytes::Bytes;
use futures::executor::block_on;
use http_body_util::{BodyExt, Full};
use mercato_edge::{
    BodyRule, Context, ExpectedTag, Guard, HttpResponse, IdempotencyKey, Json, Method, NoContent,
    PageRequest, Paged, Path, Price, Principal, Problem, Query, Reply, Role, Route, Timestamp,
    body, endpoint, header, query, respond,
};
use mercato_kernel::{OrderId, Page, Total};
use serde_json::Value;

/// Largest body that the streaming route takes, in bytes.
const STREAM_BYTES_MAX: u64 = 64;

/// Most parts of a thing.
const PARTS_MAX: usize = 3;

/// Longest problem document, whatever was sent, in bytes.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;

/// The version that every resource is at.
const VERSION: u64 = 3;

const ROUTES: &[Route] = &[GREET, LIST, CREATE, IMPORT, FIND, UPDATE, DELETE, PART];

/// A guard that believes what it is given.
struct Trusting;

impl Guard for Trusting {
    async fn verify(&self, token: &str) -> Result<Principal, Problem> {
        let role = match token {
            "admin" => Role::Admin,
            "customer" => Role::Customer,
            _ => {
                return Err(Problem::unauthorized(
                    Some("invalid_token"),
                    "the token is not valid",
                ));
            }
        };
        let user_id = "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
        Ok(Principal {
            user_id,
            role,
            session_id: None,
            generation: 0,
            issued_at: 0,
            expires_at: u64::MAX,
        })
    }

    async fn check_session(&self, _: &Principal) -> Result<(), Problem> {
        Ok(())
    }
}

#[endpoint(GET "/", access = Public)]
async fn greet() -> Result<Reply, Problem> {
    Ok(Reply::text("hello"))
}

#[query]
#[derive(Debug)]
struct ListQuery {
    q: Option<String>,
    in_stock: Option<bool>,
    max: Option<u64>,
    min_price: Option<Price>,
    since: Option<Timestamp>,
    #[param(max_items = 3)]
    ids: Option<Vec<OrderId>>,
    #[query(flatten)]
    page: PageRequest,
}

#[endpoint(GET "/api/v1/things", access = Optional)]
async fn list(Query(query): Query<ListQuery>) -> Result<Reply, Problem> {
    let page = query.page;
    assert!((1..=100).contains(&page.limit) && page.page > 0);
    assert!(query.ids.is_none_or(|ids| (1..=3).contains(&ids.len())));
    let entries = [
        format!("{:?} {:?}", query.min_price, query.since),
        query.q.unwrap_or_default(),
        query.in_stock.unwrap_or_default().to_string(),
    ];
    let page = Page {
        entries: entries.into(),
        total: Total::counted(query.max.unwrap_or_default()),
        page: page.page,
        limit: page.limit,
        next: page.after,
    };
    Reply::json(&Paged::of(page, Ok)?)
}

#[body(exclusive(sku, delta))]
#[derive(Debug)]
struct NewThing {
    name: String,
    price: Price,
    sku: Option<Option<String>>,
    delta: Option<i64>,
    #[schema(max_items = 3)]
    parts: Vec<Part>,
}

#[body]
#[derive(Debug)]
struct Part {
    id: OrderId,
    #[schema(minimum = 1, maximum = 9)]
    quantity: u32,
}

#[endpoint(POST "/api/v1/things", access = Admin)]
async fn create(
    principal: Principal,
    IdempotencyKey(key): IdempotencyKey,
    Json(thing): Json<NewThing>,
) -> Result<Reply, Problem> {
    assert!(thing.parts.len() <= PARTS_MAX);
    assert!(
        thing
            .parts
            .iter()
            .all(|part| (1..=9).contains(&part.quantity))
    );
    let NewThing {
        name,
        price,
        sku,
        delta,
        parts,
    } = thing;
    assert!(sku.is_none() || delta.is_none());
    let ids: Vec<_> = parts.iter().map(|part| part.id).collect();
    let text = format!(
        "{key:?} {name} {price:?} {sku:?} {delta:?} {ids:?} {}",
        principal.user_id
    );
    Ok(Reply::json(&text)?.created("/api/v1/things/1"))
}

#[endpoint(
    POST "/api/v1/things/import", access = Admin,
    body = BodyRule::streamed(&["text/plain"], STREAM_BYTES_MAX),
)]
async fn import(context: Context) -> Result<Reply, Problem> {
    let stream = context.stream();
    let mut taken = 0;
    while let Some(piece) = stream.next().await? {
        taken += piece.len();
    }
    assert!(taken as u64 <= STREAM_BYTES_MAX);
    Reply::json(&taken)
}

#[endpoint(GET "/api/v1/things/{id}", access = Optional)]
async fn find(Path(id): Path<OrderId>) -> Result<Reply, Problem> {
    Ok(Reply::json(&id)?.with_version(VERSION, &[97]))
}

#[body]
#[derive(Debug)]
struct Nothing {}

#[endpoint(PATCH "/api/v1/things/{id}", access = Bearer)]
async fn update(
    Path(id): Path<OrderId>,
    ExpectedTag(expected): ExpectedTag,
    _: Json<Nothing>,
) -> Result<Reply, Problem> {
    if expected.is_some_and(|tag| tag.numbers() != [VERSION, 97]) {
        return Err(Problem::precondition_failed());
    }
    Ok(Reply::json(&id)?.with_version(VERSION + 1, &[]))
}

#[endpoint(DELETE "/api/v1/things/{id}", access = Admin)]
async fn delete(_: Path<OrderId>) -> Result<NoContent, Problem> {
    Ok(NoContent)
}

#[endpoint(GET "/api/v1/things/{id}/parts/{part}", access = Public)]
async fn part(context: Context) -> Result<Reply, Problem> {
    let text = format!("{}/{}", context.param("id"), context.param("part"));
    Reply::json(&text)
}

/// The request that bytes stand for, if they stand for one: a head of lines, an empty line, and the body. The first
/// line is method and target, the others are headers.
pub fn request(bytes: &[u8]) -> Option<http::Request<Full<Bytes>>> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = bytes.split_at(end.unwrap_or(bytes.len()));
    let body = body.get(2..).unwrap_or_default();
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut words = lines.next()?.splitn(2, |byte| *byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let mut request = http::Request::builder().method(method).uri(words.next()?);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        request = request.header(name, value.get(1..)?.trim_ascii());
    }
    request.body(Full::new(Bytes::copy_from_slice(body))).ok()
}

/// Answers the request and checks what every answer has.
pub fn check(bytes: &[u8]) {
    let Some(request) = request(bytes) else {
        return;
    };
    let method = asked_about(&request).unwrap_or_else(|| request.method().clone());
    let origins = ["https://shop.example".to_owned()];
    let response = block_on(respond(ROUTES, &Trusting, request, &origins));
    check_answer(&method, response);
}

/// The method of the request whose admission a host asks about.
fn asked_about<B>(request: &http::Request<B>) -> Option<Method> {
    let is_question = request.uri().path() == "/internal/admit";
    let method = request
        .headers()
        .get("mercato-method")
        .filter(|_| is_question)?;
    Method::from_bytes(method.as_bytes()).ok()
}

fn check_answer(method: &Method, response: HttpResponse) {
    let (head, body) = response.into_parts();
    let body = block_on(body.collect()).expect("a body").to_bytes();
    let status = head.status.as_u16();
    assert!(status < 500, "{status}");
    let text = |name: header::HeaderName| {
        let value = head.headers.get(name).map(|value| value.to_str());
        value.map(|value| value.expect("readable").to_owned())
    };
    for name in [
        "x-request-id",
        "x-content-type-options",
        "content-security-policy",
        "cache-control",
    ] {
        assert!(head.headers.contains_key(name), "no {name}");
    }
    assert_eq!(text(header::VARY).as_deref(), Some("origin"));
    if status == 405 {
        let allowed = text(header::ALLOW).expect("Allow");
        assert!(
            !allowed
                .split(", ")
                .any(|allowed| allowed == method.as_str()),
            "{allowed}"
        );
    }
    if status == 401 {
        assert!(head.headers.contains_key(header::WWW_AUTHENTICATE));
    }
    if status == 204 || status == 304 {
        assert!(body.is_empty() && !head.headers.contains_key(header::CONTENT_LENGTH));
        return;
    }
    assert_eq!(text(header::CONTENT_LENGTH), Some(body.len().to_string()));
    if status < 400 {
        return;
    }
    assert_eq!(
        text(header::CONTENT_TYPE).as_deref(),
        Some("application/problem+json")
    );
    assert!(body.len() <= PROBLEM_BYTES_MAX, "{} bytes", body.len());
    let problem: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["statusCode"], status);
    for name in [
        "type",
        "title",
        "detail",
        "message",
        "instance",
        "path",
        "timestamp",
        "requestId",
    ] {
        assert!(problem[name].is_string(), "no {name}: {problem}");
    }
    assert_eq!(
        problem["requestId"].as_str(),
        text("x-request-id".parse().expect("a name")).as_deref()
    );
    for error in problem["errors"].as_array().into_iter().flatten() {
        for name in ["field", "code", "message"] {
            assert!(error[name].is_string(), "no {name}: {problem}");
        }
    }
}

/// Checks all requests that are kept in a folder: those that were wrong once, and those that the fuzzer starts from.
///
/// # Panics
/// When one is no request or is answered wrongly, or when there is none.
pub fn check_all(folder: &std::path::Path) {
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        let bytes = std::fs::read(&path).expect("a file that can be read");
        assert!(
            request(&bytes).is_some(),
            "{} is no request",
            path.display()
        );
        check(&bytes);
        count += 1;
    }
    assert!(count > 0, "there is nothing in {}", folder.display());
}
