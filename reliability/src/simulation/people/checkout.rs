//! What customers do with checkouts, and what an admin does to them meanwhile.

use mercato_tests::shop::text;
use rand::RngExt as _;
use serde_json::{Value, json};

use super::{LATE, Person};
use crate::client::{content, shipping};
use crate::simulation::town::{Answer, Ask};

/// Discount codes that the admin makes, with what they give and how often.
const CODES: [(&str, u32, u32); 2] = [("TENTH", 10, 3), ("HALF", 50, 40)];

/// So often a customer orders what was shown then, when it has changed meanwhile.
const LOOKS_MAX: usize = 4;

/// Most units of a line of a checkout.
const UNITS_MAX: u32 = 3;

impl Person {
    /// Fills a checkout in and orders what was shown; what has changed meanwhile is looked at again.
    pub(super) async fn order_checkout(&mut self) {
        let (lines, codes) = self.choose();
        let lines: Vec<(&str, u32)> = lines
            .iter()
            .map(|(id, units)| (id.as_str(), *units))
            .collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let mut filled = content(&lines, &codes);
        filled["email"] = json!(self.email);
        let opened = self
            .ask(Ask::send("POST", "/api/v1/checkouts", &filled))
            .await;
        if opened.status != 201 {
            return self.complain(format!("no checkout is opened: {}", opened.describe()));
        }
        let mut shown = opened.json();
        for _ in 0..LOOKS_MAX {
            if shown["missing"] != json!([]) {
                return;
            }
            let answer = self.order_shown(&shown).await;
            if !answer.is_problem("quote-changed") {
                return;
            }
            let path = format!("/api/v1/checkouts/{}", text(&shown["id"]));
            shown = self.read(&path).await;
        }
    }

    async fn order_shown(&mut self, shown: &Value) -> Answer {
        let key = self.new_key(&self.name.clone());
        let body = json!({ "checkout": shown["id"], "quote": shown["quote"] }).to_string();
        {
            let mut facts = self.town.facts.borrow_mut();
            facts.order_keys.insert(key.clone());
            facts.shown.insert(key.clone(), shown.clone());
        }
        let answer = self.send_order(&key, &body).await;
        self.note_order(key, body, answer.clone());
        answer
    }

    fn choose(&mut self) -> (Vec<(String, u32)>, Vec<String>) {
        let products = self.town.products.borrow().clone();
        let first = self.below(products.len());
        let second = self.below(products.len());
        let mut lines = vec![(
            products[first].clone(),
            self.dice.random_range(1..=UNITS_MAX),
        )];
        if second != first {
            lines.push((products[second].clone(), 1));
        }
        let code = CODES[self.below(CODES.len())].0.to_owned();
        let codes = if self.below(2) == 0 {
            vec![code]
        } else {
            vec![]
        };
        (lines, codes)
    }

    /// Says how things are taxed and shipped, and makes the codes.
    pub async fn set_up_checkouts(&mut self) {
        self.change_taxes().await;
        self.change_shipping().await;
        for (name, percent, limit) in CODES {
            let code = json!({ "code": name, "percent": percent, "limit": limit });
            self.ask(Ask::send("POST", "/api/v1/checkouts/codes", &code))
                .await;
        }
    }

    /// What a checkout costs changes while customers look at theirs: a price, a rate, what shipping costs, how often a code is good.
    pub(super) async fn change_what_checkouts_cost(&mut self) {
        match self.below(4) {
            0 => self.change_price().await,
            1 => self.change_taxes().await,
            2 => self.change_shipping().await,
            _ => self.change_code().await,
        }
    }

    async fn change_price(&mut self) {
        let products = self.town.products.borrow().clone();
        let index = self.below(products.len());
        let Some(product) = products.get(index) else {
            return;
        };
        let cents = self.dice.random_range(100..=3_000_u32);
        let price: Value =
            serde_json::from_str(&format!("{}.{:02}", cents / 100, cents % 100)).expect("a price");
        let path = format!("/api/v1/products/{product}");
        self.ask(Ask::send("PATCH", &path, &json!({ "price": price })))
            .await;
    }

    async fn change_taxes(&mut self) {
        let rates: Vec<Value> = ["standard", "shipping"]
            .map(|class| {
                let rate = self.dice.random_range(0..=25_u32);
                json!({ "country": "AT", "taxClass": class, "rate": rate })
            })
            .into();
        let document = json!({ "pricesIncludeTax": self.below(2) == 0, "defaultCountry": "AT", "rates": rates });
        let ask = Ask::send("PUT", "/api/v1/checkouts/settings/taxes", &document);
        self.ask(ask).await;
    }

    async fn change_shipping(&mut self) {
        let amount = json!(self.dice.random_range(0..=9_u32));
        let ask = Ask::send(
            "PUT",
            "/api/v1/checkouts/settings/shipping",
            &shipping(&amount),
        );
        self.ask(ask).await;
    }

    /// More uses of a code: fewer than there are would be no mistake of the shop's.
    async fn change_code(&mut self) {
        let (name, ..) = CODES[self.below(CODES.len())];
        let path = format!("/api/v1/checkouts/codes/{name}");
        let code = self.read(&path).await;
        let limit = code["limit"].as_u64().unwrap_or_default();
        if code["uses"].as_u64() == Some(limit) && self.below(LATE) == 0 {
            let more = json!({ "limit": limit + 1 });
            self.ask(Ask::send("PATCH", &path, &more)).await;
        }
    }
}
