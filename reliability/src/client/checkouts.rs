//! What people do with checkouts.

use mercato_tests::shop::{self, text};
use mercato_tests::{Client, Request, Response};
use serde_json::{Value, json};

use super::{Story, expect_conflict};

/// A code that takes a tenth off, for one order alone.
pub const CODE: &str = "TENTH";

/// A code that takes all of it off.
pub const EVERYTHING: &str = "EVERYTHING";

/// A checkout as it was shown, and the token of its holder.
#[derive(Debug, Clone)]
pub struct Filled {
    /// What was shown last.
    pub shown: Value,
    token: String,
}

/// A fifth of tax inside of prices, a tenth on tea.
pub fn taxes() -> Value {
    let rate = |class: &str, rate| json!({ "country": "AT", "taxClass": class, "rate": rate });
    json!({
        "pricesIncludeTax": true, "defaultCountry": "AT",
        "rates": [rate("standard", json!(20)), rate("food", json!(10))],
    })
}

/// What shipping costs, in one zone.
pub fn shipping(amount: &Value) -> Value {
    let steps = json!([{ "amount": amount }]);
    let option = json!({ "code": "post", "name": "Post", "by": "weight", "steps": steps });
    json!({ "zones": [{ "name": "Austria", "countries": ["AT"], "options": [option] }] })
}

/// All that a customer in Vienna fills in.
pub fn content(lines: &[(&str, u32)], codes: &[&str]) -> Value {
    let mut content = shop::order_of(lines);
    for (member, value) in [
        ("email", json!("ada@customers.test")),
        (
            "shippingAddress",
            json!({ "name": "Ada", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT" }),
        ),
        ("shippingOption", json!("post")),
        ("codes", json!(codes)),
    ] {
        content[member] = value;
    }
    content
}

impl Story<'_> {
    fn as_admin(&self, make: impl for<'c> Fn(&'c Client) -> Request<'c>) -> Response {
        self.send(|client| make(client).bearer(&self.admin.token))
    }

    /// The admin says how things are taxed and shipped, and makes the codes.
    pub fn set_up_checkouts(&mut self) {
        let amount = json!(4.9);
        for (path, document) in [("taxes", taxes()), ("shipping", shipping(&amount))] {
            let path = format!("/api/v1/checkouts/settings/{path}");
            let set = self.as_admin(|client| client.request("PUT", &path).json(&document));
            set.expect(200);
        }
        for code in [
            json!({ "code": CODE, "percent": 10, "limit": 1 }),
            json!({ "code": EVERYTHING, "percent": 100 }),
        ] {
            let made = self.as_admin(|client| client.post("/api/v1/checkouts/codes").json(&code));
            // 409 when the answer was lost.
            assert!(matches!(made.status(), 201 | 409), "{}", made.text());
        }
    }

    /// The admin lets shipping cost nothing.
    pub fn set_free_shipping(&mut self) {
        let document = shipping(&json!(0));
        let path = "/api/v1/checkouts/settings/shipping";
        let set = self.as_admin(|client| client.request("PUT", path).json(&document));
        set.expect(200);
    }

    /// Somebody fills a checkout in: the customer, or a guest. Whoever was not answered begins anew.
    pub fn fill_checkout(&mut self, is_guest: bool, lines: &[(&str, u32)], codes: &[&str]) {
        let content = content(lines, codes);
        let opened = self.send(|client| {
            let request = client.post("/api/v1/checkouts").json(&content);
            if is_guest {
                request
            } else {
                request.bearer(&self.customer.token)
            }
        });
        let shown = opened.expect(201).json();
        assert_eq!(shown["missing"], json!([]), "{shown}");
        let token = if is_guest {
            text(&shown["token"])
        } else {
            self.customer.token.clone()
        };
        self.checkouts.push(Filled { shown, token });
    }

    /// Whoever holds that checkout looks at it again.
    pub fn look_at_checkout(&mut self, index: usize) {
        let Filled { shown, token } = self.checkouts[index].clone();
        let path = format!("/api/v1/checkouts/{}", text(&shown["id"]));
        let seen = self.send(|client| client.get(&path).bearer(&token));
        self.checkouts[index].shown = seen.expect(200).json();
    }

    fn send_checkout(&self, index: usize, key: &str) -> Response {
        let Filled { shown, token } = &self.checkouts[index];
        let body = json!({ "checkout": shown["id"], "quote": shown["quote"] });
        self.send(|client| {
            let request = client.post("/api/v1/orders").bearer(token);
            request.header("idempotency-key", key).json(&body)
        })
    }

    /// Orders that checkout for what was shown, under a key.
    pub fn order_checkout(&mut self, index: usize, key: &str) -> Value {
        self.facts.order_keys.insert(key.to_owned());
        let answer = self.send_checkout(index, key).expect(201).json();
        let shown = self.checkouts[index].shown.clone();
        self.facts.shown.insert(key.to_owned(), shown);
        if let Some(first) = self.facts.placed.insert(key.to_owned(), answer.clone()) {
            assert_eq!(first, answer, "the same key gives the same answer");
        }
        answer
    }

    /// The same when it costs something else meanwhile: nothing is ordered, and what it costs now is told.
    pub fn outdated_checkout(&mut self, index: usize, key: &str) -> Value {
        let answer = self.send_checkout(index, key);
        expect_conflict(&answer, "quote-changed");
        self.facts.refused.insert(key.to_owned());
        answer.json()["checkout"].clone()
    }

    /// Another order of the checkout takes the place of that one.
    pub fn order_checkout_anew(&mut self, index: usize, older: &Value, key: &str) -> Value {
        let answer = self.order_checkout(index, key);
        self.facts.cancelled.insert(text(&older["id"]));
        answer
    }

    /// The admin gives a product another price.
    pub fn change_price(&mut self, product: &str, price: f64) {
        let path = format!("/api/v1/products/{product}");
        let body = json!({ "price": price });
        let changed = self.as_admin(|client| client.patch(&path).json(&body));
        changed.expect(200);
    }

    /// The admin cancels an order that is not the customer's.
    pub fn cancel_as_admin(&mut self, placed: &Value) {
        let order = text(&placed["id"]);
        let path = format!("/api/v1/orders/{order}");
        let body = json!({ "status": "CANCELLED" });
        let answer = self.as_admin(|client| client.patch(&path).json(&body));
        if answer.status() != 200 {
            let now = self.read_as_admin(&format!("/api/v1/orders/id/{order}"));
            assert_eq!(now["status"], "CANCELLED", "{}", answer.text());
        }
        self.facts.cancelled.insert(order);
    }
}
