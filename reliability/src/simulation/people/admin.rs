//! What an admin does: fill the shelves, refund, deliver.

use mercato_tests::shop::text;
use rand::RngExt as _;
use serde_json::{Value, json};

use super::{LATE, Person};
use crate::client::{VARIANTS_SLUG, rows_of_variants, tag_of};
use crate::simulation::town::Ask;

impl Person {
    /// What an admin does all day.
    pub async fn manage(mut self) -> Self {
        while !self.town.is_evening.get() {
            match self.below(9) {
                0..=1 => self.refund().await,
                2 => self.deliver_order().await,
                3 => self.change_stock().await,
                4 => self.refund_again().await,
                7..=8 => self.change_what_checkouts_cost().await,
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

    /// Puts a coffee on the shelf that is sold in three ways from so many bags.
    pub async fn stock_variants(&mut self, bags: i64) {
        let rows = rows_of_variants(bags);
        let mut ask = Ask::new("POST", "/api/v1/products/import", &rows);
        ask.headers = vec![("content-type", "application/x-ndjson".to_owned())];
        self.ask(ask).await;
        let product = self
            .read(&format!("/api/v1/products/{VARIANTS_SLUG}"))
            .await;
        let mut facts = self.town.facts.borrow_mut();
        let ids = facts.note_variants(&product);
        if let Some(item) = ids.first() {
            facts.units.insert(item.clone(), bags);
        }
        self.town.products.borrow_mut().extend(ids);
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
            return self.complain(what);
        };
        let path = format!("/api/v1/payments/{id}/refund");
        let minor_units = self.dice.random_range(1..=400_i64);
        let amount: Value =
            serde_json::from_str(&format!("{}.{:02}", minor_units / 100, minor_units % 100))
                .expect("an amount");
        let key = self.new_key("refund");
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
            _ => self.complain(format!("a refund is not taken: {}", answer.describe())),
        }
    }

    /// Sends one of the last refunds again.
    async fn refund_again(&mut self) {
        let times: Vec<u64> = self.refunds.iter().map(|(.., at)| *at).collect();
        let index = self.pick_remembered(&times, LATE);
        let Some((ask, answer, _)) = self.refunds.get(index).cloned() else {
            return;
        };
        let again = self.ask(ask).await;
        self.check_same("a refund", &answer, &again);
    }

    async fn deliver_order(&mut self) {
        let Some(order) = self.pick_paid() else {
            return drop(self.read("/api/v1/orders?limit=5").await);
        };
        let path = format!("/api/v1/orders/{order}");
        self.ask(Ask::send("PATCH", &path, &json!({ "status": "DELIVERED" })))
            .await;
    }

    /// A product without variants.
    pub(super) fn pick_plain_product(&mut self) -> Option<String> {
        let products = self.town.products.borrow().clone();
        let facts = self.town.facts.borrow().variants.clone();
        let plain: Vec<&String> = products
            .iter()
            .filter(|id| !facts.contains_key(*id))
            .collect();
        let index = self.below(plain.len());
        plain.get(index).map(|id| (*id).clone())
    }

    /// Puts units on the shelf or takes some away, against what was read. Orders move units meanwhile, but nobody else changes
    /// products, so a version that has moved on was moved by the request whose answer was lost.
    async fn change_stock(&mut self) {
        // The tag of a product with variants stands for the units of all of them.
        let product = self.pick_plain_product();
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
