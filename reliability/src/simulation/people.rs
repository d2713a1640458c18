//! Who uses the shop: customers, an admin, and the provider with its webhooks. They are sensible: what was not
//! answered they send again, with the same key, and they note what they were told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use mercato::Running;
use mercato_tests::shop::text;
use mercato_tests::{WEBHOOK_SECRET, forge, shop};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::record::Record;
use super::scheduler::{Scheduler, Trouble, What};
use crate::client::{Facts, PASSWORD, REVOKED_WITHIN, Session, tag_of};
use crate::world::{ADMIN_EMAIL, ADMIN_PASSWORD, VirtualClock};

/// How often something is sent before it counts as a fault of the shop that it is not answered.
const ATTEMPTS: u32 = 400;
/// Most lines of an order, and most units of a line.
const LINES_MAX: usize = 3;
const UNITS_MAX: u32 = 3;

/// How long somebody waits who has tried to log in too often, and how many times: as long as the shop may ask for at most.
const LOGIN_WAIT: Duration = Duration::from_secs(60);
const LOGIN_WAITS_MAX: u32 = 15;

/// Of so many sessions that could be refreshed one is ended.
const LOGOUTS: usize = 6;

/// One in so many payments is a bank debit, whose money takes a while.
const DEBITS: usize = 4;

/// How many of a customer's last orders there is still something to be done about.
const LATE: usize = 4;
/// How long an order or a refund is sent again, in seconds: shorter than the shop remembers its key.
const KEY_USED_SECONDS: u64 = 20 * 60 * 60;

/// Where everybody lives.
pub struct Town {
    /// The shop.
    pub shop: Running,
    /// Decides whose turn it is.
    pub scheduler: Scheduler,
    /// The time.
    pub clock: VirtualClock,
    /// What people were told.
    pub facts: RefCell<Facts>,
    /// Products on the shelf.
    pub products: RefCell<Vec<String>>,
    /// Whether it is time to go home.
    pub is_evening: Cell<bool>,
    /// Whether the shop has crashed, and nothing comes out of it any more.
    pub is_down: Cell<bool>,
    /// Things that were not as they should be when somebody noticed.
    pub complaints: RefCell<Vec<String>>,
    /// Everybody hears of a crash.
    pub crash: Notify,
    /// Of everything that happened.
    pub record: RefCell<Record>,
    /// Requests sent.
    pub requests: Cell<u64>,
}

/// An answer of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn is_problem(&self, code: &str) -> bool {
        let known = self.json()["type"].as_str().map(str::to_owned);
        known.is_some_and(|known| known.ends_with(&format!("/{code}")))
    }

    /// Whether asking again gives the same, though the status says otherwise: the provider has said no.
    fn is_final(&self) -> bool {
        self.is_problem("provider-rejected")
    }

    fn describe(&self) -> String {
        format!("{}: {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// A request that can be sent again.
#[derive(Debug, Clone)]
pub struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Ask {
    /// Asks for something.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path, "")
    }

    fn send(method: &'static str, path: &str, body: &Value) -> Self {
        Self::new(method, path, &body.to_string())
    }

    fn new(method: &'static str, path: &str, body: &str) -> Self {
        let mut headers = Vec::new();
        if !body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        Self {
            method,
            path: path.to_owned(),
            headers,
            body: body.to_owned(),
        }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn request(&self, number: u64) -> http::Request<Bytes> {
        let mut builder = http::Request::builder()
            .method(self.method)
            .uri(&self.path)
            .header("host", "shop.test")
            .header("x-request-id", format!("request-{number}"));
        for (name, value) in &self.headers {
            builder = builder.header(*name, value);
        }
        builder
            .body(Bytes::from(self.body.clone()))
            .expect("a request")
    }
}

impl Town {
    /// Sends once, what is made when its turn has come; none when there was no answer.
    async fn attempt(&self, what: What, make: impl FnOnce() -> Ask) -> Option<Answer> {
        self.requests.set(self.requests.get() + 1);
        let trouble = self.scheduler.turn(what).await;
        if trouble == Trouble::Lost {
            return None;
        }
        let (ask, number) = (make(), self.requests.get());
        let crashed = self.crash.notified();
        let answered = self.shop.call(ask.request(number));
        let answer = tokio::select! {
            biased;
            () = crashed => return None,
            answer = answered => answer.ok()?,
        };
        if self.is_down.get() {
            return None;
        }
        let answer = Answer {
            status: answer.status().as_u16(),
            body: answer.into_body(),
        };
        self.record.borrow_mut().note((number, &ask.path, &answer));
        (trouble != Trouble::AnswerLost).then_some(answer)
    }

    /// Sends until there is an answer that is no fault of the server.
    async fn insist(&self, ask: &Ask) -> Answer {
        let what = || What::Request(format!("{} {}", ask.method, ask.path));
        let mut last = "no answer".to_owned();
        for _ in 0..ATTEMPTS {
            match self.attempt(what(), || ask.clone()).await {
                Some(answer) if answer.status < 500 || answer.is_final() => return answer,
                Some(answer) => last = answer.describe(),
                None => {}
            }
        }
        self.complain(format!(
            "{} {}: no answer after {ATTEMPTS} attempts, last {last}",
            ask.method, ask.path
        ));
        Answer {
            status: 0,
            body: Bytes::new(),
        }
    }

    /// Notes that something is not as it should be.
    pub fn complain(&self, what: String) {
        self.complaints.borrow_mut().push(what);
    }

    /// Delivers an event of the provider until it is taken, and sometimes once more.
    pub async fn deliver(self: Rc<Self>, event: Value, again: bool) {
        let body = event.to_string();
        let what = || What::Webhook(text(&event["type"]));
        let mut left = if again { 2 } else { 1 };
        for _ in 0..ATTEMPTS {
            let signed = || {
                let seconds = self.clock.seconds();
                let signature = forge::stripe_signature(WEBHOOK_SECRET, seconds, &body);
                Ask::new("POST", "/api/v1/payments/webhook", &body)
                    .header("stripe-signature", signature)
            };
            match self.attempt(what(), signed).await {
                Some(answer) if answer.status == 200 => left -= 1,
                Some(answer) if answer.status < 500 => {
                    self.complain(format!("a webhook is refused: {}", answer.describe()));
                    return;
                }
                _ => {}
            }
            if left == 0 {
                return;
            }
        }
        self.complain(format!("a webhook is not taken: {body}"));
    }
}

/// Somebody with an account.
pub struct Person {
    town: Rc<Town>,
    dice: StdRng,
    email: String,
    password: &'static str,
    name: String,
    session: Session,
    keys: u32,
    /// Own orders, as they were answered, oldest first.
    orders: Vec<Order>,
    /// Refunds that were made, as they were answered, and when, in seconds since the Unix epoch.
    refunds: Vec<(Ask, Answer, u64)>,
}

/// An order as its customer knows it.
struct Order {
    key: String,
    body: String,
    answer: Answer,
    /// When it was answered, in seconds since the Unix epoch.
    answered_at: u64,
}

impl Person {
    /// A customer who has no account yet.
    pub fn customer(town: &Rc<Town>, number: usize, seed: u64) -> Self {
        Self::new(
            town,
            format!("customer-{number}@customers.test"),
            PASSWORD,
            format!("customer-{number}"),
            seed,
        )
    }

    /// The admin.
    pub fn admin(town: &Rc<Town>, seed: u64) -> Self {
        Self::new(
            town,
            ADMIN_EMAIL.to_owned(),
            ADMIN_PASSWORD,
            "admin".to_owned(),
            seed,
        )
    }

    fn new(
        town: &Rc<Town>,
        email: String,
        password: &'static str,
        name: String,
        seed: u64,
    ) -> Self {
        Self {
            town: Rc::clone(town),
            dice: StdRng::seed_from_u64(seed),
            email,
            password,
            name,
            session: Session::default(),
            keys: 0,
            orders: Vec::new(),
            refunds: Vec::new(),
        }
    }

    fn below(&mut self, sides: usize) -> usize {
        self.dice.random_range(0..sides.max(1))
    }

    /// Sends with the own token, with a new one when it is too old.
    pub async fn ask(&mut self, ask: Ask) -> Answer {
        loop {
            let bearer = format!("Bearer {}", self.session.token);
            let answer = self
                .town
                .insist(&ask.clone().header("authorization", bearer))
                .await;
            if answer.status != 401 {
                return answer;
            }
            self.log_in().await;
            if self.session.token.is_empty() {
                return answer;
            }
        }
    }

    /// Reads something.
    pub async fn read(&mut self, path: &str) -> Value {
        self.ask(Ask::get(path)).await.json()
    }

    async fn log_in(&mut self) {
        let body = json!({ "email": self.email, "password": self.password });
        let ask = Ask::send("POST", "/api/v1/auth/login", &body);
        let mut answer = self.town.insist(&ask).await;
        // An attempt that a crash cut off counts as one that failed, and too many of them have to wait.
        for _ in 0..LOGIN_WAITS_MAX {
            if !answer.is_problem("too-many-attempts") {
                break;
            }
            self.town.clock.advance(LOGIN_WAIT);
            answer = self.town.insist(&ask).await;
        }
        self.take_session(&answer, 200);
    }

    fn take_session(&mut self, answer: &Answer, expected: u16) {
        if answer.status == expected {
            let session = answer.json();
            self.session = Session {
                token: text(&session["accessToken"]),
                refresh_token: text(&session["refreshToken"]),
            };
        } else {
            self.session = Session::default();
            let what = format!("{} is not let in: {}", self.name, answer.describe());
            self.town.complain(what);
        }
    }

    /// Opens an account; whoever was not answered finds the address taken, by oneself.
    pub async fn register(&mut self) {
        let body = json!({ "name": self.name, "email": self.email, "password": self.password });
        let answer = self
            .town
            .insist(&Ask::send("POST", "/api/v1/auth/register", &body))
            .await;
        match answer.status {
            409 => self.log_in().await,
            _ => self.take_session(&answer, 201),
        }
        self.town
            .facts
            .borrow_mut()
            .registered
            .insert(self.email.clone());
    }

    /// What a customer does all day.
    pub async fn shop_around(mut self) -> Self {
        while !self.town.is_evening.get() {
            match self.below(12) {
                0..=2 => self.place_order().await,
                3..=6 => self.pay().await,
                7 => self.cancel().await,
                8 => self.send_again().await,
                9 if self.below(LOGOUTS) == 0 => self.log_out().await,
                9 => self.refresh().await,
                _ => self.look_at_order().await,
            }
        }
        self
    }

    /// What an admin does all day.
    pub async fn manage(mut self) -> Self {
        while !self.town.is_evening.get() {
            match self.below(7) {
                0..=1 => self.refund().await,
                2 => self.deliver_order().await,
                3 => self.change_stock().await,
                4 => self.refund_again().await,
                _ => drop(self.read("/api/v1/payments/outbox").await),
            }
        }
        self
    }

    /// Puts a product on the shelf.
    pub async fn stock_product(&mut self, sku: &str, price: f64, units: i64) {
        let row =
            json!({ "sku": sku, "name": format!("Product {sku}"), "price": price, "stock": units });
        let mut ask = Ask::new("POST", "/api/v1/products/import", &row.to_string());
        ask.headers = vec![("content-type", "application/x-ndjson".to_owned())];
        self.ask(ask).await;
        let found = self.read(&format!("/api/v1/products?q={sku}")).await;
        let id = text(&found["data"][0]["id"]);
        self.town.facts.borrow_mut().units.insert(id.clone(), units);
        self.town.products.borrow_mut().push(id);
    }

    async fn place_order(&mut self) {
        let mut left = self.town.products.borrow().clone();
        let mut lines = Vec::new();
        for _ in 0..=self.below(LINES_MAX) {
            if left.is_empty() {
                break;
            }
            let index = self.below(left.len());
            let units = self.dice.random_range(1..=UNITS_MAX);
            lines.push((left.swap_remove(index), units));
        }
        let lines: Vec<(&str, u32)> = lines
            .iter()
            .map(|(id, units)| (id.as_str(), *units))
            .collect();
        self.keys += 1;
        let key = format!("{}-{}", self.name, self.keys);
        let body = shop::order_of(&lines).to_string();
        self.town.facts.borrow_mut().order_keys.insert(key.clone());
        let answer = self.send_order(&key, &body).await;
        self.note_order(key, body, answer);
    }

    /// Sends an order; an impatient customer sends it twice at once.
    async fn send_order(&mut self, key: &str, body: &str) -> Answer {
        let ask = Ask::new("POST", "/api/v1/orders", body).header("idempotency-key", key);
        if self.below(8) > 0 {
            return self.ask(ask).await;
        }
        // With a token that is good for both.
        self.read("/api/v1/orders?limit=1").await;
        let bearer = format!("Bearer {}", self.session.token);
        let ask_now = ask.clone().header("authorization", bearer);
        let (first, second) = tokio::join!(self.town.insist(&ask_now), self.town.insist(&ask_now));
        if first.status == 401 || second.status == 401 {
            return self.ask(ask).await;
        }
        // A request that began nothing is answered anew each time.
        let is_refused = |answer: &Answer| answer.is_problem("too-many-open-orders");
        if first != second && !(is_refused(&first) && is_refused(&second)) {
            let what = format!(
                "6: one key, two answers: {} and {}",
                first.describe(),
                second.describe()
            );
            self.town.complain(what);
        }
        first
    }

    fn note_order(&mut self, key: String, body: String, answer: Answer) {
        let mut facts = self.town.facts.borrow_mut();
        match answer.status {
            201 => drop(facts.placed.insert(key.clone(), answer.json())),
            // Nothing has begun: the same key may make an order later, but nobody sends it again.
            409 if answer.is_problem("too-many-open-orders") => {
                facts.order_keys.remove(&key);
                return;
            }
            // Not enough on the shelf, or it took so long that the order expired.
            409 => {
                facts.order_keys.remove(&key);
                facts.refused.insert(key.clone());
            }
            _ => {
                let what = format!("an order is not taken: {}", answer.describe());
                drop(facts);
                self.town.complain(what);
                return;
            }
        }
        drop(facts);
        self.orders.push(Order {
            key,
            body,
            answer,
            answered_at: self.town.clock.seconds(),
        });
    }

    fn pick_order(&mut self) -> Option<Value> {
        let placed: Vec<usize> = (0..self.orders.len())
            .filter(|index| self.orders[*index].answer.status == 201)
            .collect();
        // Rather a late one: there is still something to be done about it.
        let late = &placed[placed.len().saturating_sub(LATE)..];
        let index = *late.get(self.dice.random_range(0..LATE))?;
        Some(self.orders[index].answer.json())
    }

    /// Sends an order again that was answered before.
    async fn send_again(&mut self) {
        let known_since = self.town.clock.seconds().saturating_sub(KEY_USED_SECONDS);
        let young = self
            .orders
            .partition_point(|order| order.answered_at < known_since);
        let index = young + self.below(self.orders.len() - young);
        let Some(order) = self.orders.get(index) else {
            return;
        };
        let (key, body, answer) = (order.key.clone(), order.body.clone(), order.answer.clone());
        let again = self.send_order(&key, &body).await;
        if again != answer {
            let what = format!(
                "3: {key} was answered {}, and then {}",
                answer.describe(),
                again.describe()
            );
            self.town.complain(what);
        }
    }

    /// Pays at the provider, who does not ask the shop.
    async fn pay(&mut self) {
        let Some(placed) = self.pick_order() else {
            return self.place_order().await;
        };
        let session = text(&placed["paymentSession"]["id"]);
        let is_debit = self.below(DEBITS) == 0;
        let paid = self.town.scheduler.at_provider(|provider| {
            if is_debit {
                provider.debit(&session)
            } else {
                provider.pay(&session)
            }
        });
        if !paid || self.below(2) == 0 {
            self.look_at(&placed).await;
        }
    }

    async fn cancel(&mut self) {
        let Some(placed) = self.pick_order() else {
            return self.place_order().await;
        };
        let order = text(&placed["id"]);
        let path = format!("/api/v1/orders/{order}");
        let answer = self
            .ask(Ask::send("PATCH", &path, &json!({ "status": "CANCELLED" })))
            .await;
        if answer.status == 200 {
            self.town.facts.borrow_mut().cancelled.insert(order);
        }
    }

    async fn look_at_order(&mut self) {
        match self.pick_order() {
            None => self.place_order().await,
            Some(placed) => self.look_at(&placed).await,
        }
    }

    async fn look_at(&mut self, placed: &Value) {
        let order = text(&placed["id"]);
        let now = self.read(&format!("/api/v1/orders/id/{order}")).await;
        if now["status"] == "PAID" {
            self.town.facts.borrow_mut().paid.insert(order);
        }
    }

    /// Trades the refresh token; whoever was not answered may have to log in again.
    async fn refresh(&mut self) {
        let body = json!({ "refreshToken": self.session.refresh_token });
        let answer = self
            .town
            .insist(&Ask::send("POST", "/api/v1/auth/refresh", &body))
            .await;
        match answer.status {
            401 => self.log_in().await,
            _ => self.take_session(&answer, 200),
        }
    }

    /// Leaves, sees that nothing of the session can be used any more, and comes back.
    async fn log_out(&mut self) {
        let Session {
            token,
            refresh_token,
        } = std::mem::take(&mut self.session);
        let body = json!({ "refreshToken": refresh_token });
        let left = Ask::send("POST", "/api/v1/auth/logout", &body);
        let left = self.town.insist(&left).await;
        if left.status == 204 {
            self.town.clock.advance(REVOKED_WITHIN);
            let bearer = format!("Bearer {token}");
            let me = Ask::get("/api/v1/auth/me").header("authorization", bearer.as_str());
            let order = Ask::send("POST", "/api/v1/orders", &json!({}));
            let order = order.header("authorization", bearer);
            let again = Ask::send("POST", "/api/v1/auth/refresh", &body);
            for ask in [me, order, again] {
                let answer = self.town.insist(&ask).await;
                if answer.status != 401 {
                    let what = format!("a session that has ended lives: {}", answer.describe());
                    self.town.complain(what);
                }
            }
        } else {
            let what = format!("a logout is not taken: {}", left.describe());
            self.town.complain(what);
        }
        self.log_in().await;
    }

    fn pick_paid(&mut self) -> Option<String> {
        let count = self.town.facts.borrow().paid.len();
        let index = self.below(count);
        self.town.facts.borrow().paid.iter().nth(index).cloned()
    }

    async fn refund(&mut self) {
        let Some(order) = self.pick_paid() else {
            return drop(self.read("/api/v1/orders?limit=5").await);
        };
        let payment = self.read(&format!("/api/v1/payments/order/{order}")).await;
        let Some(id) = payment["id"].as_str() else {
            let what = format!("the payment of {order}, which is paid, cannot be read: {payment}");
            return self.town.complain(what);
        };
        let path = format!("/api/v1/payments/{id}/refund");
        let minor_units = self.dice.random_range(1..=400_i64);
        let amount: Value =
            serde_json::from_str(&format!("{}.{:02}", minor_units / 100, minor_units % 100))
                .expect("an amount");
        self.keys += 1;
        let key = format!("refund-{}", self.keys);
        let body = json!({ "amount": amount, "reason": "returned" });
        let ask = Ask::send("POST", &path, &body).header("idempotency-key", key.as_str());
        let answer = self.ask(ask.clone()).await;
        if answer.status == 200 {
            let answered_at = self.town.clock.seconds();
            self.refunds.push((ask, answer.clone(), answered_at));
        }
        match answer.status {
            200 | 202 => {
                let mut facts = self.town.facts.borrow_mut();
                facts.refunded.insert(key, (order, minor_units));
            }
            // More than is left.
            409 | 422 => {}
            // It failed before it was answered.
            502 if answer.is_final() => {}
            _ => self
                .town
                .complain(format!("a refund is not taken: {}", answer.describe())),
        }
    }

    /// Sends one of the last refunds again.
    async fn refund_again(&mut self) {
        let known_since = self.town.clock.seconds().saturating_sub(KEY_USED_SECONDS);
        let young = self
            .refunds
            .partition_point(|(.., answered_at)| *answered_at < known_since);
        let from = young.max(self.refunds.len().saturating_sub(LATE));
        let index = from + self.below(self.refunds.len() - from);
        let Some((ask, answer, _)) = self.refunds.get(index).cloned() else {
            return;
        };
        let again = self.ask(ask).await;
        if again != answer {
            let what = format!(
                "3: a refund was answered {}, and then {}",
                answer.describe(),
                again.describe()
            );
            self.town.complain(what);
        }
    }

    async fn deliver_order(&mut self) {
        let Some(order) = self.pick_paid() else {
            return drop(self.read("/api/v1/orders?limit=5").await);
        };
        let path = format!("/api/v1/orders/{order}");
        self.ask(Ask::send("PATCH", &path, &json!({ "status": "DELIVERED" })))
            .await;
    }

    /// Puts units on the shelf or takes some away, against what was read. Orders move units meanwhile, but nobody else changes
    /// products, so a version that has moved on was moved by the request whose answer was lost.
    async fn change_stock(&mut self) {
        let count = self.town.products.borrow().len();
        let index = self.below(count);
        let product = self.town.products.borrow().get(index).cloned();
        let Some(product) = product else { return };
        let path = format!("/api/v1/products/{product}");
        let before = self.read(&path).await;
        let version = before["version"].as_u64().unwrap_or_default();
        let delta = self.dice.random_range(-3..=9_i64);
        if delta == 0 {
            return;
        }
        let ask = Ask::send("PATCH", &path, &json!({ "stockDelta": delta }))
            .header("if-match", tag_of(&before));
        let answer = self.ask(ask).await;
        let changed = match answer.status {
            200 => true,
            412 => self.read(&path).await["version"].as_u64() == Some(version + 1),
            // Fewer than there are to take away.
            _ => false,
        };
        if changed {
            *self
                .town
                .facts
                .borrow_mut()
                .units
                .entry(product)
                .or_default() += delta;
        }
    }
}
