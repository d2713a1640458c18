//! Who uses the shop: customers and an admin. They are sensible: what was not answered they send again, with the same key,
//! and they note what they were answered.

mod address_book;
mod admin;
mod checkout;
pub mod cron;
mod customer;

use std::rc::Rc;
use std::time::Duration;

use mercato_tests::shop::text;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::town::{Answer, Ask, Town};
use crate::client::{PASSWORD, Session};
use crate::world::{ADMIN_EMAIL, ADMIN_PASSWORD};
use address_book::AddressBook;
use customer::Order;

/// How long somebody waits who has tried to log in too often, and how many times: as long as the shop may ask for at most.
const LOGIN_WAIT: Duration = Duration::from_secs(60);
const LOGIN_WAITS_MAX: u32 = 15;

/// How many of a customer's last orders there is still something to be done about.
const LATE: usize = 4;
/// How long an order or a refund is sent again, in seconds: shorter than the shop remembers its key.
const KEY_USED_SECONDS: u64 = 20 * 60 * 60;

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
    /// As it was answered last.
    address_book: AddressBook,
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
            address_book: AddressBook::default(),
        }
    }

    fn below(&mut self, sides: usize) -> usize {
        self.dice.random_range(0..sides.max(1))
    }

    /// A key that nobody has used.
    fn new_key(&mut self, prefix: &str) -> String {
        self.keys += 1;
        format!("{prefix}-{}", self.keys)
    }

    fn complain(&self, what: String) {
        self.town.complain(what);
    }

    /// Chooses among answers that were given at these times, oldest first: one of the last so many whose keys the shop still
    /// remembers.
    fn pick_remembered(&mut self, answered_at: &[u64], last: usize) -> usize {
        let known_since = self.town.clock.seconds().saturating_sub(KEY_USED_SECONDS);
        let young = answered_at.partition_point(|at| *at < known_since);
        let from = young.max(answered_at.len().saturating_sub(last));
        from + self.below(answered_at.len() - from)
    }

    /// What is sent again under its key is answered as before.
    fn check_same(&self, what: &str, first: &Answer, again: &Answer) {
        if again != first {
            let (first, again) = (first.describe(), again.describe());
            self.complain(format!("3: {what} was answered {first}, and then {again}"));
        }
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
            self.complain(what);
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
        let mut facts = self.town.facts.borrow_mut();
        facts.registered.insert(self.email.clone());
    }
}
