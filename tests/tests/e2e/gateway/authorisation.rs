//! Who may call what: one table for every operation of the OpenAPI document, and a check that none is missing from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
};

use mercato_tests::{
    Client, Request, Response, repository,
    shop::{Account, PASSWORD, Placed, Shop, order_of, text, unique, unique_email, unknown_id},
};
use serde_json::{Value, json};

/// What a row is tried on: fresh for every try, because some rows use it up.
struct Subject {
    owner: Account,
    product: String,
    order: Placed,
    payment: String,
    /// A checkout of the owner's, and the name of a discount code; only for rows of checkouts.
    checkout: String,
    code: String,
    /// Only for rows of categories.
    category: String,
}

impl Subject {
    /// For a row of that path.
    fn of(shop: &Shop, pattern: &str) -> Self {
        let mut subject = Self::new(shop);
        if pattern.starts_with(CATEGORIES) {
            let admin = shop.admin();
            let category = admin.post(CATEGORIES).json(&new_category(&subject));
            subject.category = text(&category.expect_json(201)["id"]);
        }
        if pattern.starts_with(CHECKOUTS) {
            let checkout = subject.owner.post(CHECKOUTS).json(&json!({}));
            subject.checkout = text(&checkout.expect_json(201)["id"]);
            subject.code = text(&new_code(&subject)["code"]);
            let code = json!({ "code": subject.code, "percent": 10 });
            let made = shop
                .admin()
                .post("/api/v1/checkouts/codes")
                .json(&code)
                .send();
            made.expect(201);
        }
        subject
    }

    fn new(shop: &Shop) -> Self {
        let (owner, product, order) = shop.pending_order(5, 1);
        let payment = text(&shop.payment_of(&order.id)["id"]);
        Self {
            owner,
            product,
            order,
            payment,
            checkout: unknown_id(),
            category: unknown_id(),
            code: "NONE".to_owned(),
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
            _ if pattern.starts_with(CHECKOUTS) => &self.checkout,
            _ if pattern.starts_with(CATEGORIES) => &self.category,
            _ => &self.payment,
        };
        pattern
            .replace("{id}", id)
            .replace("{orderId}", &self.order.id)
            .replace("{code}", &self.code)
            .replace("{file}", "page.css")
            .replace("{name}", "bag-guji.svg")
            .replace("/orders/{statusOrId}", &self.status_or_id(method))
            .replace("{sessionId}", &self.order.session_id)
            .replace("{eventId}", &unknown_id())
    }
}

/// Expected of nobody, the customer it belongs to, another customer, the admin.
type Statuses = [u16; 4];

const OPEN: Statuses = [200; 4];
const ACCOUNTS: Statuses = [401, 200, 200, 200];
const OWNER: Statuses = [401, 200, 404, 200];
const ADMIN: Statuses = [401, 403, 403, 200];
/// A checkout is its holder's alone: an admin sees its order.
const HOLDER: Statuses = [404, 200, 404, 404];

const CHECKOUTS: &str = "/api/v1/checkouts";
const CATEGORIES: &str = "/api/v1/categories";

struct Row {
    method: &'static str,
    pattern: &'static str,
    body: fn(&Subject) -> Value,
    statuses: Statuses,
}

const fn row(method: &'static str, pattern: &'static str, statuses: Statuses) -> Row {
    Row {
        method,
        pattern,
        body: |_| Value::Null,
        statuses,
    }
}

impl Row {
    const fn with(mut self, body: fn(&Subject) -> Value) -> Self {
        self.body = body;
        self
    }

    fn request<'a>(&self, client: &'a Client, subject: &Subject) -> Request<'a> {
        client.request(self.method, &subject.path(self.method, self.pattern))
    }

    fn send(&self, client: &Client, subject: &Subject) -> Response {
        let request = self.request(client, subject);
        match (self.body)(subject) {
            Value::Null => request.send(),
            body => request.json(&body).send(),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.pattern)
    }
}

fn empty(_: &Subject) -> Value {
    json!({})
}

fn new_account(_: &Subject) -> Value {
    json!({ "name": "Ada", "email": unique_email(), "password": PASSWORD })
}

fn new_product(_: &Subject) -> Value {
    json!({ "name": unique("Tea"), "price": 1 })
}

fn new_category(_: &Subject) -> Value {
    json!({ "name": unique("Category") })
}

fn new_code(_: &Subject) -> Value {
    json!({ "code": unique("C").replace(' ', "-").to_uppercase(), "percent": 10 })
}

fn credentials(subject: &Subject) -> Value {
    json!({ "email": subject.owner.email, "password": PASSWORD })
}

fn refresh_token(subject: &Subject) -> Value {
    json!({ "refreshToken": subject.owner.refresh_token })
}

fn one_unit(subject: &Subject) -> Value {
    order_of(&[(&subject.product, 1)])
}

fn order_id(subject: &Subject) -> Value {
    json!({ "orderId": subject.order.id })
}

const ROWS: &[Row] = &[
    row("GET", "/", OPEN),
    row("GET", "/api/docs", OPEN),
    row("GET", "/api/docs/guide", OPEN),
    row("GET", "/api/docs/openapi.json", OPEN),
    row("GET", "/api/docs/{file}", OPEN),
    row("GET", "/api/health/live", OPEN),
    row("GET", "/api/pictures/{name}", OPEN),
    row("GET", "/api/health/ready", OPEN),
    // Opened by the operator's secret alone.
    row("GET", METRICS, [401; 4]),
    row("POST", "/api/v1/auth/register", [201; 4]).with(new_account),
    row("POST", "/api/v1/auth/login", OPEN).with(credentials),
    row("POST", "/api/v1/auth/refresh", OPEN).with(refresh_token),
    row("POST", "/api/v1/auth/logout", [204; 4]).with(|_| json!({ "refreshToken": "x" })),
    row("GET", "/api/v1/auth/verify", ACCOUNTS),
    row("GET", "/api/v1/auth/me", ACCOUNTS),
    row("PATCH", "/api/v1/auth/me", ACCOUNTS).with(empty),
    row("GET", "/api/v1/auth/me/addresses", ACCOUNTS),
    row("PUT", "/api/v1/auth/me/addresses", ACCOUNTS).with(|_| json!({ "addresses": [] })),
    row("POST", "/api/v1/auth/password", [401, 400, 400, 400]).with(empty),
    row("GET", "/api/v1/auth/sessions", ACCOUNTS),
    row("DELETE", "/api/v1/auth/sessions", [401, 204, 204, 204]),
    row("DELETE", "/api/v1/auth/sessions/{id}", [401, 404, 404, 404]),
    row("GET", "/api/v1/auth/users", ADMIN),
    row("GET", "/api/v1/auth/users/{id}", ADMIN),
    row("PATCH", "/api/v1/auth/users/{id}", ADMIN).with(|_| json!({ "disabled": true })),
    row("GET", "/api/v1/products", OPEN),
    row("POST", "/api/v1/products", [401, 403, 403, 201]).with(new_product),
    row("POST", "/api/v1/products/import", [401, 403, 403, 415]).with(|_| json!({ "sku": "A-1" })),
    row("GET", "/api/v1/products/export", ADMIN),
    row("GET", "/api/v1/products/stats", ADMIN),
    row("GET", "/api/v1/products/{id}", OPEN),
    row("PATCH", "/api/v1/products/{id}", ADMIN).with(|_| json!({ "price": 0 })),
    row("DELETE", "/api/v1/products/{id}", [401, 403, 403, 204]),
    row("GET", CATEGORIES, OPEN),
    row("POST", CATEGORIES, [401, 403, 403, 201]).with(new_category),
    row("GET", "/api/v1/categories/{id}", OPEN),
    row("PATCH", "/api/v1/categories/{id}", ADMIN).with(|_| json!({ "position": 7 })),
    row("DELETE", "/api/v1/categories/{id}", [401, 403, 403, 204]),
    row("POST", CHECKOUTS, [201; 4]).with(empty),
    row("GET", "/api/v1/checkouts/{id}", HOLDER),
    row("PATCH", "/api/v1/checkouts/{id}", HOLDER).with(|_| json!({ "note": "Ring twice" })),
    row("DELETE", "/api/v1/checkouts/{id}", [404, 204, 404, 404]),
    row("GET", "/api/v1/checkouts/settings/shipping", ADMIN),
    row(
        "PUT",
        "/api/v1/checkouts/settings/shipping",
        [401, 403, 403, 400],
    )
    .with(empty),
    row("GET", "/api/v1/checkouts/settings/taxes", ADMIN),
    row(
        "PUT",
        "/api/v1/checkouts/settings/taxes",
        [401, 403, 403, 400],
    )
    .with(empty),
    row("GET", "/api/v1/checkouts/codes", ADMIN),
    row("POST", "/api/v1/checkouts/codes", [401, 403, 403, 201]).with(new_code),
    row("GET", "/api/v1/checkouts/codes/{code}", ADMIN),
    row("PATCH", "/api/v1/checkouts/codes/{code}", ADMIN).with(|_| json!({ "limit": 7 })),
    row(
        "DELETE",
        "/api/v1/checkouts/codes/{code}",
        [401, 403, 403, 204],
    ),
    row("POST", "/api/v1/orders", [401, 201, 201, 201]).with(one_unit),
    row("GET", "/api/v1/orders", ACCOUNTS),
    row("GET", "/api/v1/orders/{statusOrId}", ACCOUNTS),
    row("GET", "/api/v1/orders/stats", ADMIN),
    row("GET", "/api/v1/orders/id/{id}", OWNER),
    row("PATCH", "/api/v1/orders/{statusOrId}", OWNER).with(|_| json!({ "status": "CANCELLED" })),
    row("GET", "/api/v1/payments", ADMIN),
    row("GET", "/api/v1/payments/{id}", OWNER),
    row("GET", "/api/v1/payments/{id}/refunds", OWNER),
    row("GET", "/api/v1/payments/{id}/disputes", ADMIN),
    row("GET", "/api/v1/payments/order/{orderId}", OWNER),
    row("POST", "/api/v1/payments/session", OWNER).with(order_id),
    row("POST", "/api/v1/payments/{id}/refund", [401, 403, 403, 409]).with(empty),
    row("POST", "/api/v1/payments/webhook", [400; 4]).with(empty),
    row("GET", "/api/v1/payments/mock/checkout/{sessionId}", OPEN),
    row("POST", "/api/v1/payments/mock/checkout/{sessionId}", OPEN)
        .with(|_| json!({ "outcome": "succeed" })),
    row("GET", "/api/v1/payments/outbox", ADMIN),
    row("POST", "/api/v1/payments/outbox/relay", ADMIN).with(empty),
    row(
        "POST",
        "/api/v1/payments/outbox/{eventId}/retry",
        [401, 403, 403, 404],
    )
    .with(empty),
];

/// Not there in a shop whose operator has set no secret.
const METRICS: &str = "/api/metrics";

#[test]
fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let shop = Shop::shared();
    let mut wrong = Vec::new();
    let has_metrics = shop.nobody().get(METRICS).send().status() != 404;
    let is_there = |row: &&Row| has_metrics || row.pattern != METRICS;
    for row in ROWS.iter().filter(is_there) {
        let who = ["nobody", "its customer", "another customer", "the admin"];
        for (index, (who, expected)) in who.into_iter().zip(row.statuses).enumerate() {
            let subject = Subject::of(shop, row.pattern);
            let client = match index {
                0 => shop.nobody().clone(),
                1 => (*subject.owner).clone(),
                2 => (*shop.customer()).clone(),
                _ => (*shop.admin()).clone(),
            };
            let answer = row.send(&client, &subject);
            let status = answer.status();
            if status != expected {
                let body = answer.text();
                wrong.push(format!(
                    "{row} as {who}: {status} instead of {expected}: {body}"
                ));
            } else if [401, 403, 404].contains(&status) {
                let challenged = answer.header("www-authenticate").is_some();
                assert_eq!(challenged, status == 401, "{row}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_refusal_comes_before_the_query_is_looked_at() {
    let shop = Shop::shared();
    let subject = Subject::new(shop);
    for row in ROWS.iter().filter(|row| row.statuses[0] == 401) {
        let path = format!("{}?surprise=1", subject.path(row.method, row.pattern));
        let answer = shop.nobody().request(row.method, &path).send();
        let is_nothing_there = row.pattern == METRICS && answer.status() == 404;
        assert!(is_nothing_there || answer.status() == 401, "{row}");
    }
}

#[test]
fn a_refusal_comes_before_the_body_is_looked_at() {
    let shop = Shop::shared();
    let subject = Subject::new(shop);
    let is_guarded = |row: &&Row| row.statuses[0] == 401 && row.method != "GET";
    for row in ROWS.iter().filter(is_guarded) {
        row.request(shop.nobody(), &subject)
            .body("text/plain", "{oops")
            .expect_problem(401, "unauthorized");
        if row.statuses[1] == 403 {
            row.request(&subject.owner, &subject)
                .body("text/plain", "{oops")
                .expect_problem(403, "forbidden");
        }
    }
}

/// Whoever adds an operation adds a row. That the document has every route is tested beside it, from the routes
/// themselves.
#[test]
fn every_operation_of_the_document_has_a_row_and_no_other() {
    let known: BTreeSet<_> = ROWS.iter().map(Row::to_string).collect();
    assert_eq!(known.len(), ROWS.len(), "no row is there twice");
    let operations: BTreeSet<_> = operations().into_keys().collect();
    let missing: Vec<_> = operations.difference(&known).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
    let gone: Vec<_> = known.difference(&operations).collect();
    assert!(gone.is_empty(), "rows without an operation: {gone:?}");
}

#[test]
fn the_document_asks_for_a_token_where_one_is_needed() {
    let operations = operations();
    for row in ROWS {
        let ways_in = operations[&row.to_string()]["security"].as_array();
        let ways_in = ways_in.expect("security");
        let is_open = ways_in.is_empty() || ways_in.contains(&json!({}));
        assert_eq!(is_open, row.statuses[0] != 401, "{row}: {ways_in:?}");
    }
}

#[test]
fn the_document_names_every_status_of_the_table() {
    let operations = operations();
    for row in ROWS {
        for status in row.statuses {
            let answer = &operations[&row.to_string()]["responses"][status.to_string()];
            assert!(answer.is_object(), "{row} answers {status}");
        }
    }
}

/// The operations of the document, by method and path.
fn operations() -> BTreeMap<String, Value> {
    let file = repository().join("docs/openapi.json");
    let text = fs::read_to_string(&file).expect("the document");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let mut operations = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let name = format!("{} {path}", method.to_uppercase());
            operations.insert(name, operation.clone());
        }
    }
    operations
}
