//! Who may call what: one table for every operation of the OpenAPI document, and a check that none is missing from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use mercato_tests::{
    Response, repository,
    shop::{Account, Placed, Shop, order_of, unique, unique_email},
};
use serde_json::{Value, json};

/// What a row is tried on: fresh for every try, because some rows use it up.
struct Subject {
    owner: Account,
    product: String,
    order: Placed,
    payment: String,
}

impl Subject {
    fn new(shop: &Shop) -> Self {
        let owner = shop.customer();
        let product = shop.product(5, 10);
        let order = owner.order(&[(&product, 1)]);
        let payment = shop.payment_of(&order.id)["id"]
            .as_str()
            .expect("a payment")
            .to_owned();
        Self {
            owner,
            product,
            order,
            payment,
        }
    }

    /// What is read there is a status, what is changed an order.
    fn status_or_id(&self, method: &str) -> String {
        let last = if method == "GET" {
            "PENDING"
        } else {
            &self.order.id
        };
        format!("/orders/{last}")
    }

    fn path(&self, method: &str, pattern: &str) -> String {
        let id = match pattern {
            _ if pattern.starts_with("/api/v1/products") => &self.product,
            _ if pattern.starts_with("/api/v1/auth") => &self.owner.id,
            _ if pattern.starts_with("/api/v1/orders") => &self.order.id,
            _ => &self.payment,
        };
        pattern
            .replace("{id}", id)
            .replace("{orderId}", &self.order.id)
            .replace("{file}", "page.css")
            .replace("/orders/{statusOrId}", &self.status_or_id(method))
            .replace("{sessionId}", &self.order.session_id)
            .replace("{eventId}", &mercato_tests::shop::unknown_id())
    }
}

struct Row {
    method: &'static str,
    pattern: &'static str,
    body: fn(&Subject) -> Value,
    /// Expected of nobody, the customer it belongs to, another customer, the admin.
    statuses: [u16; 4],
}

const fn row(method: &'static str, pattern: &'static str, statuses: [u16; 4]) -> Row {
    Row {
        method,
        pattern,
        body: |_| Value::Null,
        statuses,
    }
}

const fn with(
    method: &'static str,
    pattern: &'static str,
    body: fn(&Subject) -> Value,
    statuses: [u16; 4],
) -> Row {
    Row {
        method,
        pattern,
        body,
        statuses,
    }
}

fn new_account(_: &Subject) -> Value {
    json!({ "name": "Ada", "email": unique_email(), "password": mercato_tests::shop::PASSWORD })
}

fn new_product(_: &Subject) -> Value {
    json!({ "name": unique("Tea"), "price": 1 })
}

fn credentials(subject: &Subject) -> Value {
    json!({ "email": subject.owner.email, "password": mercato_tests::shop::PASSWORD })
}

const ROWS: &[Row] = &[
    row("GET", "/", [200, 200, 200, 200]),
    row("GET", "/api/docs", [200, 200, 200, 200]),
    row("GET", "/api/docs/guide", [200, 200, 200, 200]),
    row("GET", "/api/docs/openapi.json", [200, 200, 200, 200]),
    row("GET", "/api/docs/{file}", [200, 200, 200, 200]),
    row("GET", "/api/health/live", [200, 200, 200, 200]),
    row("GET", "/api/health/ready", [200, 200, 200, 200]),
    // Opened by the operator's secret alone.
    row("GET", METRICS, [401, 401, 401, 401]),
    with(
        "POST",
        "/api/v1/auth/register",
        new_account,
        [201, 201, 201, 201],
    ),
    with(
        "POST",
        "/api/v1/auth/login",
        credentials,
        [200, 200, 200, 200],
    ),
    with(
        "POST",
        "/api/v1/auth/refresh",
        |subject| json!({ "refreshToken": subject.owner.refresh_token }),
        [200, 200, 200, 200],
    ),
    with(
        "POST",
        "/api/v1/auth/logout",
        |_| json!({ "refreshToken": "x" }),
        [204, 204, 204, 204],
    ),
    row("GET", "/api/v1/auth/verify", [401, 200, 200, 200]),
    row("GET", "/api/v1/auth/me", [401, 200, 200, 200]),
    with(
        "PATCH",
        "/api/v1/auth/me",
        |_| json!({}),
        [401, 200, 200, 200],
    ),
    with(
        "POST",
        "/api/v1/auth/password",
        |_| json!({}),
        [401, 400, 400, 400],
    ),
    row("GET", "/api/v1/auth/sessions", [401, 200, 200, 200]),
    row("DELETE", "/api/v1/auth/sessions", [401, 204, 204, 204]),
    row("DELETE", "/api/v1/auth/sessions/{id}", [401, 404, 404, 404]),
    row("GET", "/api/v1/auth/users", [401, 403, 403, 200]),
    row("GET", "/api/v1/auth/users/{id}", [401, 403, 403, 200]),
    with(
        "PATCH",
        "/api/v1/auth/users/{id}",
        |_| json!({ "disabled": true }),
        [401, 403, 403, 200],
    ),
    row("GET", "/api/v1/products", [200, 200, 200, 200]),
    with(
        "POST",
        "/api/v1/products",
        new_product,
        [401, 403, 403, 201],
    ),
    with(
        "POST",
        "/api/v1/products/import",
        |_| json!({ "sku": "A-1" }),
        [401, 403, 403, 415],
    ),
    row("GET", "/api/v1/products/stats", [401, 403, 403, 200]),
    row("GET", "/api/v1/products/{id}", [200, 200, 200, 200]),
    with(
        "PATCH",
        "/api/v1/products/{id}",
        |_| json!({ "price": 0 }),
        [401, 403, 403, 200],
    ),
    row("DELETE", "/api/v1/products/{id}", [401, 403, 403, 204]),
    with(
        "POST",
        "/api/v1/orders",
        |subject| order_of(&[(&subject.product, 1)]),
        [401, 201, 201, 201],
    ),
    row("GET", "/api/v1/orders", [401, 200, 200, 200]),
    row("GET", "/api/v1/orders/{statusOrId}", [401, 200, 200, 200]),
    row("GET", "/api/v1/orders/stats", [401, 403, 403, 200]),
    row("GET", "/api/v1/orders/id/{id}", [401, 200, 404, 200]),
    with(
        "PATCH",
        "/api/v1/orders/{statusOrId}",
        |_| json!({ "status": "CANCELLED" }),
        [401, 200, 404, 200],
    ),
    row("GET", "/api/v1/payments", [401, 403, 403, 200]),
    row("GET", "/api/v1/payments/{id}", [401, 200, 404, 200]),
    row("GET", "/api/v1/payments/{id}/refunds", [401, 200, 404, 200]),
    row(
        "GET",
        "/api/v1/payments/{id}/disputes",
        [401, 403, 403, 200],
    ),
    row(
        "GET",
        "/api/v1/payments/order/{orderId}",
        [401, 200, 404, 200],
    ),
    with(
        "POST",
        "/api/v1/payments/session",
        |subject| json!({ "orderId": subject.order.id }),
        [401, 200, 404, 200],
    ),
    with(
        "POST",
        "/api/v1/payments/{id}/refund",
        |_| json!({}),
        [401, 403, 403, 409],
    ),
    with(
        "POST",
        "/api/v1/payments/webhook",
        |_| json!({}),
        [400, 400, 400, 400],
    ),
    row(
        "GET",
        "/api/v1/payments/mock/checkout/{sessionId}",
        [200, 200, 200, 200],
    ),
    with(
        "POST",
        "/api/v1/payments/mock/checkout/{sessionId}",
        |_| json!({ "outcome": "succeed" }),
        [200, 200, 200, 200],
    ),
    row("GET", "/api/v1/payments/outbox", [401, 403, 403, 200]),
    with(
        "POST",
        "/api/v1/payments/outbox/relay",
        |_| json!({}),
        [401, 403, 403, 200],
    ),
    with(
        "POST",
        "/api/v1/payments/outbox/{eventId}/retry",
        |_| json!({}),
        [401, 403, 403, 404],
    ),
];

/// Not there in a shop whose operator has set no secret.
const METRICS: &str = "/api/metrics";

fn send(row: &Row, subject: &Subject, account: Option<&Account>) -> Response {
    let path = subject.path(row.method, row.pattern);
    let request = match account {
        Some(account) => account.request(row.method, &path),
        None => Shop::shared().nobody().request(row.method, &path),
    };
    match (row.body)(subject) {
        Value::Null => request.send(),
        body => request.json(&body).send(),
    }
}

#[test]
fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let shop = Shop::shared();
    let mut wrong = Vec::new();
    let has_metrics = shop.nobody().get(METRICS).send().status() != 404;
    for row in ROWS
        .iter()
        .filter(|row| has_metrics || row.pattern != METRICS)
    {
        for (index, who) in ["nobody", "its customer", "another customer", "the admin"]
            .into_iter()
            .enumerate()
        {
            let subject = Subject::new(shop);
            let account = match index {
                0 => None,
                1 => Some(subject.owner.clone()),
                2 => Some(shop.customer()),
                _ => Some(shop.admin()),
            };
            let answer = send(row, &subject, account.as_ref());
            if answer.status() != row.statuses[index] {
                let (method, pattern, expected) = (row.method, row.pattern, row.statuses[index]);
                let (status, body) = (answer.status(), answer.text());
                wrong.push(format!(
                    "{method} {pattern} as {who}: {status} instead of {expected}: {body}"
                ));
            } else if [401, 403, 404].contains(&answer.status()) {
                let challenged = answer.header("www-authenticate").is_some();
                assert_eq!(
                    challenged,
                    answer.status() == 401,
                    "{} {}",
                    row.method,
                    row.pattern
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_refusal_comes_before_the_body_is_looked_at() {
    let shop = Shop::shared();
    let subject = Subject::new(shop);
    for row in ROWS
        .iter()
        .filter(|row| row.statuses[0] == 401 && row.method != "GET")
    {
        let path = subject.path(row.method, row.pattern);
        let nobody = shop
            .nobody()
            .request(row.method, &path)
            .body("text/plain", "{oops")
            .send();
        nobody.expect_problem(401, "unauthorized");
        if row.statuses[1] == 403 {
            let customer = subject
                .owner
                .request(row.method, &path)
                .body("text/plain", "{oops")
                .send();
            customer.expect_problem(403, "forbidden");
        }
    }
}

/// Whoever adds an operation adds a row. That the document has every route is tested beside it, from the routes
/// themselves.
#[test]
fn every_operation_of_the_document_has_a_row_and_every_row_an_operation() {
    let known: BTreeSet<(String, String)> = ROWS
        .iter()
        .map(|row| (row.method.to_owned(), row.pattern.to_owned()))
        .collect();
    assert_eq!(known.len(), ROWS.len(), "no row is there twice");
    let operations: BTreeSet<_> = operations().into_keys().collect();
    let missing: Vec<_> = operations.difference(&known).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
    let gone: Vec<_> = known.difference(&operations).collect();
    assert!(gone.is_empty(), "rows without an operation: {gone:?}");
}

#[test]
fn the_document_asks_for_a_token_where_nobody_is_turned_away_without_one() {
    let operations = operations();
    for Row {
        method,
        pattern,
        statuses,
        ..
    } in ROWS
    {
        let operation = &operations[&((*method).to_owned(), (*pattern).to_owned())];
        let ways_in = operation["security"].as_array().expect("security");
        let is_open = ways_in.is_empty() || ways_in.contains(&json!({}));
        assert_eq!(
            is_open,
            statuses[0] != 401,
            "{method} {pattern}: {ways_in:?}"
        );
    }
}

#[test]
fn the_document_names_every_status_of_the_table() {
    let operations = operations();
    for Row {
        method,
        pattern,
        statuses,
        ..
    } in ROWS
    {
        let operation = &operations[&((*method).to_owned(), (*pattern).to_owned())];
        for status in statuses {
            let answer = &operation["responses"][status.to_string()];
            assert!(answer.is_object(), "{method} {pattern} answers {status}");
        }
    }
}

/// The operations of the document, by method and path.
fn operations() -> BTreeMap<(String, String), Value> {
    let file = repository().join("docs/openapi.json");
    let text = fs::read_to_string(&file).expect("the document");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            methods.iter().map(move |(method, operation)| {
                ((method.to_uppercase(), path.clone()), operation.clone())
            })
        })
        .collect()
}
