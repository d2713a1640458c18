//! What keeps a shop going that has no timers: a cron calls the relay, and after requests the shop does what is due.

use std::cell::RefCell;
use std::rc::Rc;

use super::Person;
use crate::simulation::town::Ask;

/// Calls the relay with an admin's session. As long as one run goes on, no other begins.
#[derive(Clone)]
pub struct Cron(Rc<RefCell<Option<Person>>>);

impl Cron {
    /// With that admin's account.
    pub fn new(admin: Person) -> Self {
        Self(Rc::new(RefCell::new(Some(admin))))
    }

    /// One run, unless one goes on.
    pub async fn run(self) {
        let Some(mut admin) = self.0.take() else {
            return;
        };
        admin.maintain().await;
        self.0.replace(Some(admin));
    }
}

impl Person {
    /// Has payments and orders do what is due.
    pub async fn maintain(&mut self) {
        let relay = Ask::new("POST", "/api/v1/payments/outbox/relay", "");
        let relayed = self.ask(relay).await;
        if relayed.status != 200 {
            self.complain(format!("nothing is relayed: {}", relayed.describe()));
        }
        // After any of its requests.
        self.read("/api/v1/orders?limit=1").await;
    }
}
