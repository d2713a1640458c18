//! A shop as its customers and its admin see it: over HTTP and nothing else.

use std::{
    env,
    ops::Deref,
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use mercato_platform::ids::{Ids as _, RandomIds};
use serde_json::{Value, json};

use crate::{Client, JWT_SECRET, Response, Server, WEBHOOK_SECRET, left_out, wait_until};

/// A password that follows the rules; every customer made here has it.
pub const PASSWORD: &str = "Tr0ub4dor&3";

/// An admin's token is renewed long before its fifteen minutes are over.
const ADMIN_TOKEN_AGE_MAX: Duration = Duration::from_secs(300);

/// A shop that runs somewhere.
#[derive(Debug)]
pub struct Shop {
    client: Client,
    admin_credentials: (String, String),
    admin: Mutex<Option<(Instant, Account)>>,
}

/// Somebody with an account and an open session.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account's id.
    pub id: String,
    /// Its e-mail address.
    pub email: String,
    /// Its access token.
    pub token: String,
    /// Its refresh token.
    pub refresh_token: String,
    client: Client,
}

/// An order as it was answered when it was placed.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The order's id.
    pub id: String,
    /// The id of the session in which it is paid.
    pub session_id: String,
    /// The whole answer.
    pub answer: Value,
}

/// Where the units of a product are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stock {
    /// Free to sell.
    pub free: u64,
    /// Held for orders that are not paid yet.
    pub reserved: u64,
    /// Of paid orders.
    pub sold: u64,
}

impl Stock {
    /// All units, wherever they are.
    pub fn total(self) -> u64 {
        self.free + self.reserved + self.sold
    }
}

impl Shop {
    /// The shop on [`Server::shared`].
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Shop> = OnceLock::new();
        SHARED.get_or_init(|| Self::on(Server::shared()))
    }

    /// The shop on a server, with connections of its own.
    pub fn on(server: &Server) -> Self {
        Self {
            client: server.client(),
            admin_credentials: server.admin(),
            admin: Mutex::new(None),
        }
    }

    /// A client that is nobody.
    pub fn nobody(&self) -> &Client {
        &self.client
    }

    /// The admin, logged in.
    pub fn admin(&self) -> Account {
        let mut admin = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        match &*admin {
            Some((since, account)) if since.elapsed() < ADMIN_TOKEN_AGE_MAX => account.clone(),
            _ => {
                let (email, password) = &self.admin_credentials;
                let account = self.log_in(email, password);
                *admin = Some((Instant::now(), account.clone()));
                account
            }
        }
    }

    /// A new customer.
    pub fn customer(&self) -> Account {
        let email = unique_email();
        let body = json!({ "name": "Ada Lovelace", "email": email, "password": PASSWORD });
        let answer = self.client.post("/api/v1/auth/register").json(&body).send();
        self.account(&answer.expect(201).json())
    }

    /// Asks for a session of an account.
    pub fn try_log_in(&self, email: &str, password: &str) -> Response {
        let body = json!({ "email": email, "password": password });
        self.client.post("/api/v1/auth/login").json(&body).send()
    }

    /// Trades a refresh token for a new session.
    pub fn refresh(&self, token: &str) -> Response {
        let body = json!({ "refreshToken": token });
        self.client.post("/api/v1/auth/refresh").json(&body).send()
    }

    /// Ends the session of a refresh token.
    pub fn log_out(&self, token: &str) -> Response {
        let body = json!({ "refreshToken": token });
        self.client.post("/api/v1/auth/logout").json(&body).send()
    }

    /// Opens a session of an account.
    pub fn log_in(&self, email: &str, password: &str) -> Account {
        let answer = self.try_log_in(email, password);
        self.account(&answer.expect(200).json())
    }

    /// The account of a session as registration, login and refresh answer it.
    pub fn account(&self, session: &Value) -> Account {
        let token = text(&session["accessToken"]);
        Account {
            id: text(&session["user"]["id"]),
            email: text(&session["user"]["email"]),
            client: self.client.clone().with_token(&token),
            refresh_token: text(&session["refreshToken"]),
            token,
        }
    }

    /// A new product with a name of its own; returns its id.
    pub fn product(&self, price: impl Into<Value>, stock: u64) -> String {
        let body = json!({ "name": unique("Tea"), "description": "Leaves", "price": price.into(), "stock": stock });
        text(&self.create_product(&body)["id"])
    }

    /// A new coffee in one size and two grinds, which share that stock; gives its id and those of its variants.
    pub fn coffee(&self, stock: u64) -> (String, [String; 2]) {
        let sku = unique("COF");
        let grind = |grind: &str| json!({ "Size": "250 g", "Grind": grind });
        let ground = format!("{sku}-F");
        let product = self.create_product(&json!({
            "name": "Yirgacheffe",
            "options": [
                { "name": "Size", "values": ["250 g"] },
                { "name": "Grind", "values": ["whole beans", "filter"] },
            ],
            "variants": [
                { "sku": sku, "price": 9.5, "options": grind("whole beans"), "stock": stock },
                { "sku": ground, "price": 9.9, "options": grind("filter"), "draws": { "sku": sku, "units": 1 } },
            ],
        }));
        let variant = |place: usize| text(&product["variants"][place]["id"]);
        (text(&product["id"]), [variant(0), variant(1)])
    }

    /// A new product as it is described.
    pub fn create_product(&self, body: &Value) -> Value {
        let admin = self.admin();
        admin.post("/api/v1/products").json(body).expect_json(201)
    }

    /// Where a product's units are, as the admin sees it.
    pub fn stock(&self, product: &str) -> Stock {
        let product = self
            .admin()
            .get(&format!("/api/v1/products/{product}"))
            .expect_json(200);
        let count = |name: &str| {
            product[name]
                .as_u64()
                .unwrap_or_else(|| panic!("no {name} in {product}"))
        };
        Stock {
            free: count("stock"),
            reserved: count("reserved"),
            sold: count("sold"),
        }
    }

    /// Waits until a product's units are where they should be.
    pub fn wait_for_stock(&self, product: &str, free: u64, reserved: u64, sold: u64) {
        let expected = Stock {
            free,
            reserved,
            sold,
        };
        let mut last = None;
        wait_until(&format!("stock {expected:?} of product {product}"), || {
            last = Some(self.stock(product));
            (last == Some(expected)).then_some(())
        });
    }

    /// Plays the customer on the checkout page of the simulated provider: `succeed`, `decline`, `fail`, `cancel`
    /// or `debit`.
    pub fn check_out(&self, session_id: &str, outcome: &str) -> Response {
        self.client
            .post(&format!("/api/v1/payments/mock/checkout/{session_id}"))
            .json(&json!({ "outcome": outcome }))
            .send()
    }

    /// Pays an order; gives the payment.
    pub fn pay(&self, order: &Placed) -> Value {
        let answer = self.check_out(&order.session_id, "succeed");
        let payment = answer.expect(200).json();
        assert_eq!(payment["status"], "SUCCEEDED", "{payment}");
        payment
    }

    /// An order that its customer has paid.
    pub fn buy(&self, customer: &Account, product: &str, quantity: u32) -> Placed {
        let order = customer.order(&[(product, quantity)]);
        self.pay(&order);
        customer.wait_for_order(&order.id, "PAID");
        order
    }

    /// A new customer's order of so many of the five units of a new product, not paid yet.
    pub fn pending_order(
        &self,
        price: impl Into<Value>,
        quantity: u32,
    ) -> (Account, String, Placed) {
        let (customer, product) = (self.customer(), self.product(price, 5));
        let order = customer.order(&[(&product, quantity)]);
        (customer, product, order)
    }

    /// The same, paid.
    pub fn paid_order(&self, price: impl Into<Value>, quantity: u32) -> (Account, String, Placed) {
        let (customer, product) = (self.customer(), self.product(price, 5));
        let order = self.buy(&customer, &product, quantity);
        (customer, product, order)
    }

    /// All orders of an account, page by page, as the admin sees them.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub fn orders_of(&self, account: &Account) -> Vec<Value> {
        let mut orders = Vec::new();
        for page in 1.. {
            let path = format!("/api/v1/orders?userId={}&limit=100&page={page}", account.id);
            let list = self.admin().get(&path).expect_json(200);
            let entries = list["data"].as_array().expect("a list");
            orders.extend(entries.iter().cloned());
            if entries.len() < 100 {
                break;
            }
        }
        orders
    }

    /// The payment of an order, as the admin sees it.
    pub fn payment_of(&self, order_id: &str) -> Value {
        let path = format!("/api/v1/payments/order/{order_id}");
        self.admin().get(&path).expect_json(200)
    }

    /// Waits until the payment of an order has a status, and returns it.
    pub fn wait_for_payment(&self, order_id: &str, status: &str) -> Value {
        wait_until(&format!("payment of {order_id} {status}"), || {
            Some(self.payment_of(order_id)).filter(|payment| payment["status"] == status)
        })
    }

    /// Where refunds of an order's payment are asked for.
    pub fn refund_path(&self, order_id: &str) -> String {
        let payment = text(&self.payment_of(order_id)["id"]);
        format!("/api/v1/payments/{payment}/refund")
    }
}

/// An account is a client that sends its access token.
impl Deref for Account {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Account {
    /// The same account on a connection of its own, for requests at the same time.
    pub fn on_own_connection(&self) -> Self {
        Self {
            client: Client::new(self.base_url()).with_token(&self.token),
            ..self.clone()
        }
    }

    /// Asks for an order of these products and quantities.
    pub fn try_order(&self, lines: &[(&str, u32)]) -> Response {
        self.post("/api/v1/orders").json(&order_of(lines)).send()
    }

    /// Places an order of these products and quantities.
    pub fn order(&self, lines: &[(&str, u32)]) -> Placed {
        Placed::from(self.try_order(lines).expect(201).json())
    }

    /// An order with items, payment, receipt and history.
    pub fn read_order(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/orders/id/{id}"))
            .expect_json(200)
    }

    /// Asks for another status of an order.
    pub fn change_order(&self, id: &str, status: &str) -> Response {
        let path = format!("/api/v1/orders/{id}");
        self.patch(&path).json(&json!({ "status": status })).send()
    }

    /// Asks for the cancellation of an order.
    pub fn cancel(&self, id: &str) -> Response {
        self.change_order(id, "CANCELLED")
    }

    /// Asks for the delivery of an order, as an admin may.
    pub fn deliver(&self, id: &str) -> Response {
        self.change_order(id, "DELIVERED")
    }

    /// Waits until an order has a status, and gives it.
    pub fn wait_for_order(&self, id: &str, status: &str) -> Value {
        wait_until(&format!("order {id} {status}"), || {
            Some(self.read_order(id)).filter(|order| order["status"] == status)
        })
    }

    /// Waits until the history of an order says that, and returns the order.
    pub fn wait_for_history(&self, id: &str, what: &str) -> Value {
        wait_until(&format!("{what:?} in the history of order {id}"), || {
            let order = self.read_order(id);
            let is_there = order["history"].to_string().contains(what);
            is_there.then_some(order)
        })
    }
}

impl From<Value> for Placed {
    fn from(answer: Value) -> Self {
        Self {
            id: text(&answer["id"]),
            session_id: text(&answer["paymentSession"]["id"]),
            answer,
        }
    }
}

/// The last change in the history of an order.
///
/// # Panics
/// When there is none.
#[track_caller]
pub fn last_change(order: &Value) -> &Value {
    let history = order["history"].as_array();
    history.and_then(|lines| lines.last()).expect("a history")
}

/// The body of a request for an order.
pub fn order_of(lines: &[(&str, u32)]) -> Value {
    let items: Vec<Value> = lines
        .iter()
        .map(|(product, quantity)| json!({ "productId": product, "quantity": quantity }))
        .collect();
    json!({ "items": items })
}

/// A text that nothing else has, with a readable beginning.
pub fn unique(beginning: &str) -> String {
    format!("{beginning} {}", RandomIds.new_id())
}

/// An e-mail address that nobody has.
pub fn unique_email() -> String {
    format!("{}@customers.test", RandomIds.new_id())
}

/// What the shared shop signs webhooks with, if that is known: it is for a shop started here, and a shop elsewhere may
/// name it in `MERCATO_WEBHOOK_SECRET`.
pub fn webhook_secret() -> Option<String> {
    secret("MERCATO_WEBHOOK_SECRET", WEBHOOK_SECRET)
}

/// What the shared shop signs tokens with, if that is known; a shop elsewhere may name it in `MERCATO_JWT_SECRET`.
pub fn jwt_secret() -> Option<String> {
    secret("MERCATO_JWT_SECRET", JWT_SECRET)
}

fn secret(variable: &str, of_shops_started_here: &str) -> Option<String> {
    let is_elsewhere = env::var("MERCATO_BASE_URL").is_ok_and(|url| !url.is_empty());
    let given = env::var(variable).ok().filter(|secret| !secret.is_empty());
    let secret = given.or_else(|| (!is_elsewhere).then(|| of_shops_started_here.to_owned()));
    if secret.is_none() {
        left_out(&format!("{variable} does not hold the shop's secret"));
    }
    secret
}

/// An identifier that nothing has.
pub fn unknown_id() -> String {
    RandomIds.new_id()
}

/// A JSON text.
///
/// # Panics
/// When it is something else.
#[track_caller]
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => panic!("{other} is no text"),
    }
}
