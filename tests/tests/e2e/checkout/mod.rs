//! Checkouts: filled in by guests and customers, and ordered for what they saw.

mod account;
mod admin;
mod guest;
mod order;
mod races;

use std::sync::OnceLock;

use mercato_tests::{
    Client, Request,
    shop::{Placed, Shop, text, unique},
};
use serde_json::{Value, json};

const CHECKOUTS: &str = "/api/v1/checkouts";
const ORDERS: &str = "/api/v1/orders";
const TAXES: &str = "/api/v1/checkouts/settings/taxes";
const SHIPPING: &str = "/api/v1/checkouts/settings/shipping";
const CODES: &str = "/api/v1/checkouts/codes";

/// What all of these tests expect to be set: a fifth of tax inside of prices, a tenth for food, and what it costs to ship to Austria
/// and Germany.
fn settings() -> [(&'static str, Value); 2] {
    let rate = |class: &str, rate| json!({ "country": "AT", "taxClass": class, "rate": rate });
    let taxes = json!({
        "pricesIncludeTax": true,
        "defaultCountry": "AT",
        "rates": [rate("standard", 20), rate("food", 10), { "country": "DE", "taxClass": "standard", "rate": 19 }],
    });
    let option = |code: &str, steps: Value| json!({ "code": code, "name": format!("Post {code}"), "by": "weight", "steps": steps });
    let mut austria = option(
        "at",
        json!([{ "upTo": 2000, "amount": 4.9 }, { "amount": 9.9 }]),
    );
    austria["freeFrom"] = json!(100);
    let zones = json!({ "zones": [
        { "name": "Austria", "countries": ["AT"], "options": [austria] },
        { "name": "Germany", "countries": ["DE"], "options": [option("de", json!([{ "amount": 9.9 }]))] },
    ] });
    [(TAXES, taxes), (SHIPPING, zones)]
}

/// The shared shop with these settings.
fn shop() -> &'static Shop {
    static READY: OnceLock<()> = OnceLock::new();
    let shop = Shop::shared();
    READY.get_or_init(|| {
        for (path, document) in settings() {
            shop.admin()
                .request("PUT", path)
                .json(&document)
                .expect(200);
        }
    });
    shop
}

/// A code of its own that gives so much; returns its name.
fn code(shop: &Shop, gives: Value) -> String {
    let name = unique("C").replace(' ', "-").to_uppercase();
    let mut body = json!({ "code": name, "label": "A discount" });
    for (member, value) in gives.as_object().expect("members") {
        body[member] = value.clone();
    }
    shop.admin().post(CODES).json(&body).expect(201);
    name
}

/// How many orders use a code.
fn uses(shop: &Shop, code: &str) -> u64 {
    let found = shop
        .admin()
        .get(&format!("{CODES}/{code}"))
        .expect_json(200);
    found["uses"].as_u64().expect("uses")
}

/// What a customer in Vienna fills in.
fn vienna(items: Value) -> Value {
    json!({
        "items": items,
        "email": "Ada@Example.com",
        "shippingAddress": { "name": "Ada Lovelace", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT" },
        "shippingOption": "at",
    })
}

fn line(product: &str, quantity: u32) -> Value {
    json!({ "productId": product, "quantity": quantity })
}

/// A checkout and who holds it.
struct Checkout {
    holder: Client,
    shown: Value,
}

impl Checkout {
    /// A guest's, filled in like that.
    fn guest(shop: &Shop, content: &Value) -> Self {
        let shown = shop.nobody().post(CHECKOUTS).json(content).expect_json(201);
        let token = text(&shown["token"]);
        Self {
            holder: shop.nobody().clone().with_token(&token),
            shown,
        }
    }

    /// A customer's.
    fn of(customer: &Client, content: &Value) -> Self {
        let shown = customer.post(CHECKOUTS).json(content).expect_json(201);
        assert_eq!(shown.get("token"), None);
        Self {
            holder: customer.clone(),
            shown,
        }
    }

    fn id(&self) -> String {
        text(&self.shown["id"])
    }

    fn path(&self) -> String {
        format!("{CHECKOUTS}/{}", self.id())
    }

    fn change(&mut self, content: &Value) -> &Value {
        let path = self.path();
        self.shown = self.holder.patch(&path).json(content).expect_json(200);
        &self.shown
    }

    fn look(&mut self) -> &Value {
        self.shown = self.holder.get(&self.path()).expect_json(200);
        &self.shown
    }

    fn body(&self) -> Value {
        json!({ "checkout": self.id(), "quote": self.shown["quote"] })
    }

    /// Orders what was shown.
    fn order(&self) -> Request<'_> {
        self.holder.post(ORDERS).json(&self.body())
    }

    fn placed(&self) -> Placed {
        Placed::from(self.order().expect_json(201))
    }
}

/// Whoever has the token of a guest's order.
fn holder_of(shop: &Shop, answer: &Value) -> Client {
    let token = text(&answer["orderToken"]);
    shop.nobody().clone().with_token(&token)
}

fn read_order(holder: &Client, id: &str) -> Value {
    holder.get(&format!("{ORDERS}/id/{id}")).expect_json(200)
}
