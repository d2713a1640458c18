//! Who may call what: one table for every route, and a check that no route is missing from it.

use std::{collections::BTreeSet, fs};

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

    fn path(&self, pattern: &str) -> String {
        let id = match pattern {
            _ if pattern.starts_with("/api/v1/products") => &self.product,
            _ if pattern.starts_with("/api/v1/auth") => &self.owner.id,
            _ if pattern.starts_with("/api/v1/orders") => &self.order.id,
            _ => &self.payment,
        };
        pattern
            .replace("{id}", id)
            .replace("{orderId}", &self.order.id)
            .replace("{status}", "PENDING")
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

fn wrong_credentials(_: &Subject) -> Value {
    json!({ "email": unique_email(), "password": "Wrong-Password-1" })
}

const ROWS: &[Row] = &[
    row("GET", "/", [200, 200, 200, 200]),
    row("GET", "/api/health/live", [200, 200, 200, 200]),
    row("GET", "/api/health/ready", [200, 200, 200, 200]),
    with(
        "POST",
        "/api/v1/auth/register",
        new_account,
        [201, 201, 201, 201],
    ),
    with(
        "POST",
        "/api/v1/auth/login",
        wrong_credentials,
        [401, 401, 401, 401],
    ),
    with(
        "POST",
        "/api/v1/auth/refresh",
        |_| json!({ "refreshToken": "x" }),
        [401, 401, 401, 401],
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
    row("GET", "/api/v1/auth/users", [401, 403, 403, 200]),
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
    row("GET", "/api/v1/orders/{status}", [401, 200, 200, 200]),
    row("GET", "/api/v1/orders/stats", [401, 403, 403, 200]),
    row("GET", "/api/v1/orders/id/{id}", [401, 200, 404, 200]),
    with(
        "PATCH",
        "/api/v1/orders/{id}",
        |_| json!({ "status": "CANCELLED" }),
        [401, 200, 404, 200],
    ),
    row("GET", "/api/v1/payments/{id}", [401, 200, 404, 200]),
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

fn send(row: &Row, subject: &Subject, account: Option<&Account>) -> Response {
    let path = subject.path(row.pattern);
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
    for row in ROWS {
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
        .filter(|row| row.statuses[0] == 401 && row.statuses[1] != 401 && row.method != "GET")
    {
        let path = subject.path(row.pattern);
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

/// Whoever adds a route adds a row.
#[test]
fn no_route_is_missing_from_the_table() {
    let known: BTreeSet<(String, String)> = ROWS
        .iter()
        .map(|row| (row.method.to_owned(), with_nameless_parameters(row.pattern)))
        .collect();
    let routes = routes_in_the_sources();
    assert!(routes.len() > 30, "the sources were read: {routes:?}");
    let missing: Vec<_> = routes.difference(&known).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
    let gone: Vec<_> = known.difference(&routes).collect();
    assert!(gone.is_empty(), "rows without a route: {gone:?}");
}

fn routes_in_the_sources() -> BTreeSet<(String, String)> {
    let adapters = [
        "front",
        "auth-api",
        "products-api",
        "orders-api",
        "payments-api",
    ];
    adapters
        .iter()
        .flat_map(|adapter| {
            let file = repository().join(format!("components/gateway/{adapter}/src/lib.rs"));
            let source = fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            source
                .split("route!(")
                .skip(1)
                .filter_map(method_and_pattern)
                .collect::<Vec<_>>()
        })
        .filter(|(_, pattern)| !pattern.starts_with("/internal/"))
        .collect()
}

/// Reads `GET "/api/v1/products/{id}", …`.
fn method_and_pattern(text: &str) -> Option<(String, String)> {
    let (method, rest) = text.split_once('"')?;
    let (pattern, _) = rest.split_once('"')?;
    Some((method.trim().to_owned(), with_nameless_parameters(pattern)))
}

fn with_nameless_parameters(pattern: &str) -> String {
    let segments = pattern.split('/').map(|segment| {
        if segment.starts_with('{') {
            "{}"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}
