//! Clients as they should be: they send again what was not answered, with the same key, and note what they were answered.

mod checkouts;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mercato_tests::stripe::Account;
use mercato_tests::{Client, Request, Response, WEBHOOK_SECRET, forge, shop};
use serde_json::{Value, json};

use crate::world::{ADMIN_EMAIL, ADMIN_PASSWORD, World};

pub use checkouts::{CODE, EVERYTHING, Filled, content, shipping, taxes};

/// The customer of every story.
pub const CUSTOMER_EMAIL: &str = "ada@customers.test";
/// Everybody's password but the admin's.
pub const PASSWORD: &str = shop::PASSWORD;

/// The customer's address book.
pub(crate) const ADDRESSES: &str = "/api/v1/auth/me/addresses";

/// How long an ended session's access token may be good for orders, also while nobody can be asked which ones have ended.
pub(crate) const REVOKED_WITHIN: Duration = Duration::from_secs(31);

/// How often something is sent before it counts as a fault of the shop.
const ATTEMPTS: u32 = 6;

/// What clients were answered, and what they did. Whatever was answered must stay true.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Addresses whose registration was answered 201.
    pub registered: BTreeSet<String>,
    /// Passwords whose change was answered, by address; the others have [`PASSWORD`].
    pub passwords: BTreeMap<String, String>,
    /// Sessions whose end was answered.
    pub ended: Vec<Session>,
    /// The customer's address book as it was answered last, and how often it has been another one than before.
    pub address_book: Option<(Value, u64)>,
    /// What a customer noticed at once.
    pub complaints: Vec<String>,
    /// Units that were answered as put in, by product or variant.
    pub units: BTreeMap<String, i64>,
    /// Variants that are sold.
    pub variants: BTreeMap<String, Variant>,
    /// Idempotency keys of orders that were not refused.
    pub order_keys: BTreeSet<String>,
    /// Keys of orders that were refused; some of these orders began, and were cancelled.
    pub refused: BTreeSet<String>,
    /// Answers to orders, by key.
    pub placed: BTreeMap<String, Value>,
    /// Checkouts as they were shown when they were ordered, by key.
    pub shown: BTreeMap<String, Value>,
    /// Orders whose payment was answered as succeeded.
    pub paid: BTreeSet<String>,
    /// Orders whose cancellation was answered 200.
    pub cancelled: BTreeSet<String>,
    /// Refunds that were answered, by idempotency key: order and minor units.
    pub refunded: BTreeMap<String, (String, i64)>,
}

/// A variant that is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// The product that it is one of.
    pub product: String,
    /// The product or variant whose stock it is taken from.
    pub item: String,
    /// Units of that stock that one of its own takes.
    pub units: i64,
}

impl Facts {
    /// Notes the variants of a product as an admin sees it; gives their ids in their order.
    pub fn note_variants(&mut self, product: &Value) -> Vec<String> {
        let mut ids = Vec::new();
        for variant in product["variants"].as_array().into_iter().flatten() {
            let (id, draws) = (shop::text(&variant["id"]), &variant["draws"]);
            let item = draws["productId"].as_str().unwrap_or(&id).to_owned();
            let known = Variant {
                product: shop::text(&product["id"]),
                item,
                units: draws["units"].as_i64().unwrap_or(1),
            };
            self.variants.insert(id.clone(), known);
            ids.push(id);
        }
        ids
    }

    /// The product that has a stock: it itself, or the one that it is a variant of.
    pub fn product_of<'a>(&'a self, id: &'a str) -> &'a str {
        self.variants.get(id).map_or(id, |variant| &variant.product)
    }

    /// Units of which stock so many units of a product or variant are.
    pub fn item_units<'a>(&'a self, id: &'a str, units: i64) -> (&'a str, i64) {
        let variant = self.variants.get(id);
        variant.map_or((id, units), |variant| {
            (&variant.item, units * variant.units)
        })
    }

    /// Where its units are, of a product or a variant, in its product as an admin sees it.
    pub fn stock_of(&self, id: &str, product: Value) -> Value {
        if self.product_of(id) == id {
            return product;
        }
        let variants = product["variants"].as_array().into_iter().flatten();
        let mut own = variants.filter(|variant| variant["id"] == id);
        own.next().cloned().unwrap_or_default()
    }
}

/// Rows of a price list: bags of a coffee of which so many are there, whole, ground, or four at once.
pub(crate) fn rows_of_variants(bags: i64) -> String {
    let row = |kind: &str, sku: &str, more: &Value| {
        let mut row = json!({
            "slug": VARIANTS_SLUG, "sku": sku, "name": "Coffee", "price": 9.5, "option1Name": "Kind", "option1Value": kind,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        row.to_string()
    };
    [
        row("whole", "COF", &json!({ "stock": bags })),
        row("ground", "COF-G", &json!({ "drawsSku": "COF" })),
        row(
            "four bags",
            "COF-4",
            &json!({ "price": 34, "drawsSku": "COF", "drawsUnits": 4 }),
        ),
    ]
    .join("\n")
}

/// The readable address of the product of [`rows_of_variants`].
pub(crate) const VARIANTS_SLUG: &str = "coffee";

/// The entity tag of a product as an admin has read it.
pub(crate) fn tag_of(product: &Value) -> String {
    let numbers = ["version", "stock", "reserved", "sold"].map(|name| product[name].to_string());
    format!("\"{}\"", numbers.join("-"))
}

/// An address of an address book as it is shown, so that it is shown as it was sent.
pub(crate) fn saved_address(name: &str) -> Value {
    json!({
        "label": format!("At {name}'s"), "name": name, "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT",
        "isDefaultShipping": name == "Ada", "isDefaultBilling": false,
    })
}

/// Somebody's session.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// The access token.
    pub token: String,
    /// The refresh token.
    pub refresh_token: String,
}

/// What happens in one world, and what its people know of it.
pub struct Story<'w> {
    /// The shop.
    pub world: &'w World,
    /// What people were answered.
    pub facts: Facts,
    /// The customer's session.
    pub customer: Session,
    /// The admin's.
    pub admin: Session,
    /// Products on the shelf.
    pub products: Vec<String>,
    /// Checkouts that were filled in.
    pub checkouts: Vec<Filled>,
}

/// What a story leaves behind for another one that begins where it ended.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    facts: Facts,
    customer: Session,
    admin: Session,
    products: Vec<String>,
    checkouts: Vec<Filled>,
}

impl<'w> Story<'w> {
    /// A story that goes on from what is remembered.
    pub fn resume(world: &'w World, memory: &Memory) -> Self {
        let Memory {
            facts,
            customer,
            admin,
            products,
            checkouts,
        } = memory.clone();
        Self {
            world,
            facts,
            customer,
            admin,
            products,
            checkouts,
        }
    }

    /// What is remembered.
    pub fn memory(&self) -> Memory {
        Memory {
            facts: self.facts.clone(),
            customer: self.customer.clone(),
            admin: self.admin.clone(),
            products: self.products.clone(),
            checkouts: self.checkouts.clone(),
        }
    }

    /// Sends until there is an answer that is no fault of the server; starts the shop again when it has crashed.
    ///
    /// # Panics
    /// When there is none after several attempts.
    pub fn send(&self, make: impl for<'c> Fn(&'c Client) -> Request<'c>) -> Response {
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            let client = self.world.client();
            let answer = make(&client).try_send();
            // What follows the answer is over before anything else begins: so calls come in the same order each time.
            self.world.wait_until_idle();
            match answer {
                Ok(answer) if answer.status() < 500 => return answer,
                Ok(answer) => last = format!("{}: {}", answer.status(), answer.text()),
                Err(error) => last = error.to_string(),
            }
            if self.world.plan.has_crashed() {
                self.world.recover();
            }
        }
        panic!("no answer after {ATTEMPTS} attempts: {last}");
    }

    fn get(&self, session: &Session, path: &str) -> Value {
        self.send(|client| client.get(path).bearer(&session.token))
            .expect(200)
            .json()
    }

    /// Something the admin reads.
    pub fn read_as_admin(&self, path: &str) -> Value {
        self.get(&self.admin, path)
    }

    /// Has a component do what is due: by its timer or, where there is none, by a request of the admin, as a cron does.
    pub fn maintain(&mut self, component: &str) {
        if self.world.has_timers() {
            self.world.fire_timer(component);
            return;
        }
        self.log_in_as_admin();
        match component {
            "payments-api" => {
                let relay = "/api/v1/payments/outbox/relay";
                let run = self.send(|client| client.post(relay).bearer(&self.admin.token));
                drop(run.expect(200));
            }
            // After any of its requests.
            _ => drop(self.read_as_admin("/api/v1/orders?limit=1")),
        }
    }

    /// The customer registers; if the answer was lost, the address is taken, and logging in shows that it was oneself.
    pub fn register(&mut self, email: &str) {
        let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
        let answer = self.send(|client| client.post("/api/v1/auth/register").json(&body));
        match answer.status() {
            201 => self.customer = session(&answer.json()),
            409 => self.customer = self.log_in(email, PASSWORD),
            _ => drop(answer.expect(201)),
        }
        self.facts.registered.insert(email.to_owned());
    }

    /// Opens a session.
    pub fn log_in(&self, email: &str, password: &str) -> Session {
        let body = json!({ "email": email, "password": password });
        let answer = self.send(|client| client.post("/api/v1/auth/login").json(&body));
        session(&answer.expect(200).json())
    }

    /// The admin logs in, again if need be: tokens last fifteen minutes.
    pub fn log_in_as_admin(&mut self) {
        self.admin = self.log_in(ADMIN_EMAIL, ADMIN_PASSWORD);
    }

    /// Trades the refresh token; a client whose answer was lost may have to log in again, but is never left outside.
    pub fn refresh(&mut self) {
        let body = json!({ "refreshToken": self.customer.refresh_token });
        let answer = self.send(|client| client.post("/api/v1/auth/refresh").json(&body));
        self.customer = match answer.status() {
            200 => session(&answer.json()),
            401 => self.log_in(CUSTOMER_EMAIL, PASSWORD),
            _ => panic!("{}: {}", answer.status(), answer.text()),
        };
    }

    /// The customer leaves, and logs in again. A logout that was not answered may be sent again: there is no harm in it.
    pub fn log_out(&mut self) {
        let body = json!({ "refreshToken": self.customer.refresh_token });
        let answer = self.send(|client| client.post("/api/v1/auth/logout").json(&body));
        answer.expect(204);
        self.facts.ended.push(self.customer.clone());
        self.customer = self.log_in(CUSTOMER_EMAIL, PASSWORD);
    }

    /// The customer takes another password, which ends every session. Whoever was not answered finds out by logging in.
    pub fn change_password(&mut self, password: &str) {
        let body = json!({ "currentPassword": PASSWORD, "newPassword": password });
        let before = self.customer.clone();
        let answer = self.send(|client| {
            let request = client.post("/api/v1/auth/password").bearer(&before.token);
            request.json(&body)
        });
        self.customer = match answer.status() {
            200 => session(&answer.json()),
            401 => self.log_in(CUSTOMER_EMAIL, password),
            _ => panic!("{}: {}", answer.status(), answer.text()),
        };
        self.facts.ended.push(before);
        let changed = (CUSTOMER_EMAIL.to_owned(), password.to_owned());
        self.facts.passwords.extend([changed]);
    }

    /// The customer replaces the address book by another one, of these names, against the version that was answered last. Whoever was
    /// not answered may find that it has been replaced: then by all of that.
    pub fn replace_addresses(&mut self, names: &[&str]) {
        let addresses: Vec<Value> = names.iter().map(|name| saved_address(name)).collect();
        let body = json!({ "addresses": addresses });
        let known = self.facts.address_book.take();
        let version = known.map_or(0, |(_, version)| version);
        let answer = self.send(|client| {
            let request = client.request("PUT", ADDRESSES);
            let request = request.bearer(&self.customer.token);
            let tag = format!("\"{version}\"");
            request.header("if-match", &tag).json(&body)
        });
        let now = match answer.status() {
            412 => self.get(&self.customer, ADDRESSES),
            _ => answer.expect(200).json(),
        };
        if now != body {
            let what = format!("3: {body} was sent, and the address book is {now}");
            self.facts.complaints.push(what);
        }
        self.facts.address_book = Some((body, version + 1));
    }

    /// The customer's address book, read in a new session, and its entity tag.
    pub fn address_book(&self) -> (Value, String) {
        let customer = self.log_in(CUSTOMER_EMAIL, PASSWORD);
        let book = self.send(|client| client.get(ADDRESSES).bearer(&customer.token));
        let book = book.expect(200);
        let tag = book.header("etag").unwrap_or_default().to_owned();
        (book.json(), tag)
    }

    /// Sessions of those that have ended of which something can still be used.
    pub fn living_sessions(&self) -> Vec<String> {
        let mut living = Vec::new();
        self.world.clock.advance(REVOKED_WITHIN);
        for session in &self.facts.ended {
            let me = self.send(|client| client.get("/api/v1/auth/me").bearer(&session.token));
            let body = json!({ "refreshToken": session.refresh_token });
            let pair = self.send(|client| client.post("/api/v1/auth/refresh").json(&body));
            let order = self.send(|client| {
                let request = client.post("/api/v1/orders").bearer(&session.token);
                request.json(&json!({}))
            });
            for (what, answer) in [("access", me), ("refresh", pair), ("access", order)] {
                if answer.status() != 401 {
                    living.push(format!(
                        "the {what} token of a session that has ended is answered {}",
                        answer.status()
                    ));
                }
            }
        }
        living
    }

    /// Puts a product on the shelf, keyed by its sku so that it can be sent again.
    pub fn stock_product(&mut self, sku: &str, price: &str, units: i64) -> String {
        let rows = json!({ "sku": sku, "name": format!("Product {sku}"), "price": serde_json::from_str::<Value>(price).expect("a price"), "stock": units });
        let answer = self.send(|client| {
            let request = client
                .post("/api/v1/products/import")
                .bearer(&self.admin.token);
            request.body("application/x-ndjson", rows.to_string())
        });
        let report = answer.expect(200).json();
        assert_eq!(report["failed"], json!([]), "{report}");
        let found = self.get(&self.admin, &format!("/api/v1/products?q={sku}"));
        let id = shop::text(&found["data"][0]["id"]);
        self.facts.units.insert(id.clone(), units);
        self.products.push(id.clone());
        id
    }

    /// Puts a coffee on the shelf that is sold in three ways from so many bags, in the place of all other products.
    pub fn stock_variants(&mut self, bags: i64) {
        let answer = self.send(|client| {
            let request = client
                .post("/api/v1/products/import")
                .bearer(&self.admin.token);
            request.body("application/x-ndjson", rows_of_variants(bags))
        });
        let report = answer.expect(200).json();
        assert_eq!(report["failed"], json!([]), "{report}");
        let product = self.get(&self.admin, &format!("/api/v1/products/{VARIANTS_SLUG}"));
        self.products = self.facts.note_variants(&product);
        self.facts.units.insert(self.products[0].clone(), bags);
    }

    /// An admin changes a product's stock against what was read. A lost answer shows as 412, and reading again shows whether
    /// the change was made, or whether orders have moved units meanwhile; then it is tried again.
    pub fn change_stock(&mut self, product: &str, delta: i64) {
        let path = format!("/api/v1/products/{product}");
        let body = json!({ "stockDelta": delta });
        for _ in 0..ATTEMPTS {
            let before = self.get(&self.admin, &path);
            let answer = self.send(|client| {
                client
                    .patch(&path)
                    .bearer(&self.admin.token)
                    .header("if-match", &tag_of(&before))
                    .json(&body)
            });
            let is_changed = match answer.status() {
                200 => true,
                412 => {
                    let now = self.get(&self.admin, &path);
                    let versions = [&before, &now].map(|product| product["version"].as_u64());
                    let [Some(seen), Some(now)] = versions else {
                        panic!("no version: {now}")
                    };
                    assert!(now - seen <= 1, "only our own change was made: {now}");
                    now > seen
                }
                status => panic!("{status}: {}", answer.text()),
            };
            if is_changed {
                *self.facts.units.entry(product.to_owned()).or_default() += delta;
                return;
            }
        }
        panic!("orders move the units of {product} all the time");
    }

    fn send_order(&self, key: &str, body: &Value) -> Response {
        self.send(|client| {
            let request = client.post("/api/v1/orders").bearer(&self.customer.token);
            request.header("idempotency-key", key).json(body)
        })
    }

    /// Orders one unit of each product, under a key.
    pub fn order(&mut self, key: &str, lines: &[(&str, u32)]) -> Value {
        self.facts.order_keys.insert(key.to_owned());
        let body = shop::order_of(lines);
        let answer = self.send_order(key, &body);
        let answer = answer.expect(201).json();
        if let Some(first) = self.facts.placed.insert(key.to_owned(), answer.clone()) {
            assert_eq!(first, answer, "the same key gives the same answer");
        }
        answer
    }

    /// Orders these products in the place of an older order, under a key.
    pub fn replace(&mut self, older: &Value, key: &str, lines: &[(&str, u32)]) -> Value {
        self.facts.order_keys.insert(key.to_owned());
        let older = shop::text(&older["id"]);
        let mut body = shop::order_of(lines);
        body["replaces"] = json!(older);
        let answer = self.send_order(key, &body);
        let answer = answer.expect(201).json();
        self.facts.cancelled.insert(older.clone());
        let ended = self.get(&self.customer, &format!("/api/v1/orders/id/{older}"));
        assert_eq!(ended["status"], "CANCELLED", "replaced: {ended}");
        self.facts.placed.insert(key.to_owned(), answer.clone());
        answer
    }

    /// Asks for an order at a total that it does not have. Nothing is ordered, and the same key has the same answer.
    pub fn order_at_another_total(&mut self, key: &str, lines: &[(&str, u32)]) {
        let mut body = shop::order_of(lines);
        body["expectedTotal"] = json!(0.01);
        let answer = self.send_order(key, &body);
        expect_conflict(&answer, "total-changed");
    }

    /// Asks for an order that the shop refuses because the customer has too many that are not paid. Nothing of it is left:
    /// the same key may make an order later.
    pub fn refused_order(&mut self, key: &str, lines: &[(&str, u32)]) {
        let body = shop::order_of(lines);
        let answer = self.send_order(key, &body);
        expect_conflict(&answer, "too-many-open-orders");
    }

    /// Plays the customer at the checkout: `succeed`, `fail` or `cancel`. Whoever was not answered looks at the payment.
    pub fn check_out(&mut self, placed: &Value, outcome: &str) -> Value {
        let session = shop::text(&placed["paymentSession"]["id"]);
        let order = shop::text(&placed["id"]);
        let path = format!("/api/v1/payments/mock/checkout/{session}");
        let body = json!({ "outcome": outcome });
        let answer = self.send(|client| client.post(&path).json(&body));
        let payment = match answer.status() {
            200 => answer.json(),
            409 => self.payment_of(&order),
            status => panic!("{status}: {}", answer.text()),
        };
        if payment["status"] == "SUCCEEDED" {
            self.facts.paid.insert(order);
        }
        payment
    }

    /// Pays at Stripe, which sends webhooks to the shop.
    pub fn pay_at_stripe(&mut self, placed: &Value) {
        let session = shop::text(&placed["paymentSession"]["id"]);
        self.at_stripe(|account| account.pay(&session));
        self.deliver_webhooks();
        let order = shop::text(&placed["id"]);
        if self.payment_of(&order)["status"] == "SUCCEEDED" {
            self.facts.paid.insert(order);
        }
    }

    /// Delivers the events of Stripe, each until it is taken.
    pub fn deliver_webhooks(&mut self) {
        for event in self.at_stripe(Account::take_events) {
            self.send_event(&event);
        }
    }

    /// Delivers the events of Stripe, the last one first.
    pub fn deliver_webhooks_backwards(&mut self) {
        for event in self.at_stripe(Account::take_events).iter().rev() {
            self.send_event(event);
        }
    }

    /// Does something at Stripe.
    ///
    /// # Panics
    /// When the world has another provider.
    pub fn at_stripe<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        let stripe = self.world.stripe.as_ref().expect("a world with Stripe");
        stripe.at_stripe(act)
    }

    fn payment_of(&self, order: &str) -> Value {
        self.get(&self.customer, &format!("/api/v1/payments/order/{order}"))
    }

    /// Cancels one's own order; whoever was not answered reads it.
    pub fn cancel(&mut self, placed: &Value) {
        let order = shop::text(&placed["id"]);
        let path = format!("/api/v1/orders/{order}");
        let body = json!({ "status": "CANCELLED" });
        let answer =
            self.send(|client| client.patch(&path).bearer(&self.customer.token).json(&body));
        if answer.status() != 200 {
            let now = self.get(&self.customer, &format!("/api/v1/orders/id/{order}"));
            assert_eq!(
                now["status"],
                "CANCELLED",
                "{}: {}",
                answer.status(),
                answer.text()
            );
        }
        self.facts.cancelled.insert(order);
    }

    /// Gives back some minor units of an order's payment, under a key.
    pub fn refund(&mut self, placed: &Value, key: &str, minor_units: i64) {
        let order = shop::text(&placed["id"]);
        let payment = self.get(&self.admin, &format!("/api/v1/payments/order/{order}"));
        let path = format!("/api/v1/payments/{}/refund", shop::text(&payment["id"]));
        let amount = json!(
            format!("{}.{:02}", minor_units / 100, minor_units % 100)
                .parse::<f64>()
                .expect("an amount")
        );
        let body = json!({ "amount": amount, "reason": "returned" });
        let answer = self.send(|client| {
            let request = client.post(&path).bearer(&self.admin.token);
            request.header("idempotency-key", key).json(&body)
        });
        assert!(
            [200, 202].contains(&answer.status()),
            "{}: {}",
            answer.status(),
            answer.text()
        );
        self.facts
            .refunded
            .insert(key.to_owned(), (order, minor_units));
    }

    /// Every refund that was made at the provider fails there: whoever asked for it sees it at the payment. Returns how many
    /// there were.
    pub fn fail_refunds(&mut self) -> usize {
        let failed = self.at_stripe(|account| {
            let standing = account.standing_refunds();
            standing.iter().filter(|id| account.fail_refund(id)).count()
        });
        if failed > 0 {
            self.facts.refunded.clear();
        }
        failed
    }

    fn ask_for_session(&self, placed: &Value) -> Response {
        let body = json!({ "orderId": placed["id"] });
        self.send(|client| {
            let request = client.post("/api/v1/payments/session");
            request.bearer(&self.customer.token).json(&body)
        })
    }

    /// The customer wants to go on paying after the session has ended.
    pub fn pay_anew(&mut self, placed: &Value) {
        let answer = self.ask_for_session(placed);
        // 409 when the shop was faster at giving the order up.
        assert!(matches!(answer.status(), 200 | 409), "{}", answer.text());
    }

    /// The customer would like to pay once more while the money is on its way.
    pub fn cannot_pay_again(&mut self, placed: &Value) {
        let answer = self.ask_for_session(placed);
        expect_conflict(&answer, "payment-under-way");
    }

    /// The admin would like to deliver what is disputed.
    pub fn cannot_deliver(&mut self, placed: &Value) {
        let path = format!("/api/v1/orders/{}", shop::text(&placed["id"]));
        let body = json!({ "status": "DELIVERED" });
        let answer = self.send(|client| client.patch(&path).bearer(&self.admin.token).json(&body));
        expect_conflict(&answer, "payment-disputed");
    }

    /// The provider's webhook of a session that was paid, sent until it is answered, as providers do.
    pub fn webhook(&mut self, event_id: &str, event_type: &str, object: &Value) {
        self.send_event(&json!({
            "id": event_id, "object": "event", "type": event_type,
            "created": self.world.clock.seconds(), "data": { "object": object },
        }));
    }

    fn send_event(&mut self, event: &Value) {
        let body = event.to_string();
        let answer = self.send(|client| {
            let signature =
                forge::stripe_signature(WEBHOOK_SECRET, self.world.clock.seconds(), &body);
            let request = client
                .post("/api/v1/payments/webhook")
                .header("stripe-signature", &signature);
            request.body("application/json", body.clone())
        });
        answer.expect(200);
    }
}

/// Checks that the shop refused for this reason.
fn expect_conflict(answer: &Response, code: &str) {
    let problem = answer.json();
    assert_eq!(answer.status(), 409, "{problem}");
    let found = shop::text(&problem["type"]);
    assert!(found.ends_with(&format!("/{code}")), "{problem}");
}

fn session(answer: &Value) -> Session {
    Session {
        token: shop::text(&answer["accessToken"]),
        refresh_token: shop::text(&answer["refreshToken"]),
    }
}
