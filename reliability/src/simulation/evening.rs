//! The end of a day: the shop puts itself in order, and everything is checked.

use std::rc::Rc;
use std::time::Duration;

use mercato_tests::shop::text;
use serde_json::Value;
use tokio::task::spawn_local;

use super::people::Person;
use super::town::Town;
use super::{Life, TIMED, UNPAID_RETENTION_SECONDS};
use crate::client::Facts;
use crate::invariants::{self, Readings};

/// How much time the shop has to put itself in order: three times more than the longest pause before it tries anything
/// again, and longer than a reservation lasts, so that none ends while everything is read.
const EVENING_PAUSES: u32 = 3;
const EVENING_PAUSE: Duration = Duration::from_secs(5 * 60 + 30);

/// What a problem document has as its status when there is no such order.
const NOT_FOUND: u16 = 404;

impl Life {
    /// Lets the shop put itself in order, and then checks everything.
    pub(super) async fn look_through_everything(&mut self, mut admin: Person) -> Person {
        let facts = self.town.facts.borrow().clone();
        let town = Rc::clone(&self.town);
        let has_timers = !self.settings.is_edge;
        let looking = spawn_local(async move {
            // What was not answered is tried again after ever longer pauses.
            let mut is_settled = true;
            for _ in 0..EVENING_PAUSES {
                town.clock.advance(EVENING_PAUSE);
                is_settled = settle(&town, &mut admin, has_timers).await;
            }
            // Only now, and only once: whoever reads an order also sets right what was left half-way.
            let mut readings = read(&mut admin, &facts).await;
            readings.gone_before_ms = town.clock.ms_ago(UNPAID_RETENTION_SECONDS);
            readings.provider = Some(town.scheduler.at_provider(|account| account.clone()));
            let mut found = invariants::check(&readings, &facts);
            if !is_settled {
                found.push("5: events are left in the outbox".to_owned());
            }
            (admin, readings, found)
        });
        let (admin, readings, mut found) = self.until_done(looking).await;
        found.append(&mut self.town.complaints.borrow_mut());
        let step = self.steps();
        self.outcome
            .violations
            .extend(found.into_iter().map(|what| format!("step {step}: {what}")));
        self.outcome.orders = readings.orders.len();
        admin
    }
}

/// True when nothing is left to publish, several times in a row.
async fn settle(town: &Town, admin: &mut Person, has_timers: bool) -> bool {
    let mut quiet = 0;
    for _ in 0..invariants::ROUNDS {
        if has_timers {
            for component in TIMED {
                town.shop.fire_timer(component).await;
            }
        } else {
            admin.maintain().await;
            // A timer's call ends when all is done; what follows an answer goes on.
            town.scheduler.rest().await;
        }
        let outbox = admin.read("/api/v1/payments/outbox").await;
        quiet = if outbox["meta"]["total"] == 0 {
            quiet + 1
        } else {
            0
        };
        if quiet == invariants::QUIET_ROUNDS {
            return true;
        }
        town.clock.advance(invariants::ROUND);
    }
    false
}

/// Everything the admin can see of what matters.
async fn read(admin: &mut Person, facts: &Facts) -> Readings {
    let mut readings = Readings {
        codes: invariants::listed(&admin.read(invariants::CODES).await),
        ..Readings::default()
    };
    for id in facts.units.keys() {
        let path = format!("/api/v1/products/{}", facts.product_of(id));
        let product = admin.read(&path).await;
        if product["variants"][1].is_object() {
            readings.with_variants.push(product.clone());
        }
        readings
            .products
            .insert(id.clone(), facts.stock_of(id, product));
    }
    for page in 1.. {
        let list = admin
            .read(&format!("/api/v1/orders?limit=100&page={page}"))
            .await;
        let ids: Vec<String> = list["data"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|order: &Value| text(&order["id"]))
            .collect();
        if ids.is_empty() {
            break;
        }
        for id in ids {
            let order = admin.read(&format!("/api/v1/orders/id/{id}")).await;
            // Its retention may end between the list and this answer; the facts say whether it may be gone.
            if order["status"] != NOT_FOUND {
                readings.orders.push(order);
            }
        }
    }
    readings
}
