//! What customers do: order, pay, cancel, look, log out.

use mercato_tests::shop::{self, text};
use rand::RngExt as _;
use serde_json::{Value, json};

use super::{LATE, Person};
use crate::client::{REVOKED_WITHIN, Session};
use crate::simulation::town::{Answer, Ask};

/// Most lines of an order, and most units of a line.
const LINES_MAX: usize = 3;
const UNITS_MAX: u32 = 3;

/// Of so many sessions that could be refreshed one is ended.
const LOGOUTS: usize = 6;

/// One in so many payments is a bank debit, whose money takes a while.
const DEBITS: usize = 4;

/// Refusals of requests that have begun nothing, or nothing that is left: each time anew.
const NOTHING_BEGUN: [&str; 5] = [
    "too-many-open-orders",
    "quote-changed",
    "lines-unavailable",
    "already-ordered",
    "checkout-incomplete",
];

/// Whether the answer to an order is a refusal of a request that has begun nothing.
fn has_begun_nothing(answer: &Answer) -> bool {
    NOTHING_BEGUN.iter().any(|code| answer.is_problem(code))
}

/// An order as its customer knows it.
pub(super) struct Order {
    key: String,
    body: String,
    answer: Answer,
    /// When it was answered, in seconds since the Unix epoch.
    answered_at: u64,
}

impl Person {
    /// What a customer does all day.
    pub async fn shop_around(mut self) -> Self {
        while !self.town.is_evening.get() {
            match self.below(15) {
                0..=2 => self.place_order().await,
                12..=13 => self.order_checkout().await,
                3..=6 => self.pay().await,
                7 => self.cancel().await,
                8 => self.send_again().await,
                9 if self.below(LOGOUTS) == 0 => self.log_out().await,
                9 => self.refresh().await,
                14 => self.replace_addresses().await,
                _ => self.look_at_order().await,
            }
        }
        self.look_at_addresses().await;
        self
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
        let key = self.new_key(&self.name.clone());
        let body = shop::order_of(&lines).to_string();
        self.town.facts.borrow_mut().order_keys.insert(key.clone());
        let answer = self.send_order(&key, &body).await;
        self.note_order(key, body, answer);
    }

    /// Sends an order; an impatient customer sends it twice at once.
    pub(super) async fn send_order(&mut self, key: &str, body: &str) -> Answer {
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
        // A request that began nothing is answered anew each time; a checkout may be what it was again the next time.
        let is_of_checkout = body.contains("\"checkout\"");
        let refused = [&first, &second].map(has_begun_nothing);
        let may_differ = refused == [true; 2] || is_of_checkout && refused.contains(&true);
        if first != second && !may_differ {
            let what = format!(
                "6: one key, two answers: {} and {}",
                first.describe(),
                second.describe()
            );
            self.complain(what);
        }
        if refused[0] { second } else { first }
    }

    pub(super) fn note_order(&mut self, key: String, body: String, answer: Answer) {
        let mut facts = self.town.facts.borrow_mut();
        match answer.status {
            201 => drop(facts.placed.insert(key.clone(), answer.json())),
            // Nothing has begun: the same key may make an order later, but nobody sends it again.
            409 if answer.is_problem("too-many-open-orders") => {
                facts.order_keys.remove(&key);
                return;
            }
            // Not enough on the shelf, another price, or it took so long that the order expired.
            409 | 422 => {
                facts.order_keys.remove(&key);
                facts.refused.insert(key.clone());
                if has_begun_nothing(&answer) {
                    return;
                }
            }
            _ => {
                let what = format!("an order is not taken: {}", answer.describe());
                drop(facts);
                self.complain(what);
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
        let times: Vec<u64> = self.orders.iter().map(|order| order.answered_at).collect();
        let index = self.pick_remembered(&times, usize::MAX);
        let Some(order) = self.orders.get(index) else {
            return;
        };
        let (key, body, answer) = (order.key.clone(), order.body.clone(), order.answer.clone());
        let again = self.send_order(&key, &body).await;
        self.check_same(&key, &answer, &again);
    }

    /// Pays at the provider, who does not ask the shop.
    async fn pay(&mut self) {
        let Some(placed) = self.pick_order() else {
            return self.place_order().await;
        };
        // There may be nothing to pay.
        let Some(session) = placed["paymentSession"]["id"].as_str() else {
            return self.look_at(&placed).await;
        };
        let is_debit = self.below(DEBITS) == 0;
        let paid = self.town.scheduler.at_provider(|provider| {
            if is_debit {
                provider.debit(session)
            } else {
                provider.pay(session)
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
                    self.complain(what);
                }
            }
        } else {
            let what = format!("a logout is not taken: {}", left.describe());
            self.complain(what);
        }
        self.log_in().await;
    }
}
