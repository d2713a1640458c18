//! The shop with Stripe for its provider: `spin.stripe.toml`, against a stand-in for Stripe's API.

mod checkout;
mod disputes;
mod library;
mod metrics;
mod refund;
mod trouble;

use std::sync::OnceLock;

use mercato_tests::{
    Response, Server,
    shop::{Account, Placed, Shop, text},
    stripe::FakeStripe,
};
use serde_json::{Value, json};

/// A shop and its Stripe.
struct Site {
    stripe: FakeStripe,
    server: Server,
    shop: Shop,
}

impl Site {
    fn start() -> Self {
        Self::with(&[])
    }

    /// One for all tests in which Stripe works as it should.
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Site> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn with(variables: &[(&str, &str)]) -> Self {
        let stripe = FakeStripe::start();
        let mut builder = stripe.shop();
        for (name, value) in variables {
            builder = builder.variable(name, value);
        }
        let server = builder.start();
        let shop = Shop::on(&server);
        Self {
            stripe,
            server,
            shop,
        }
    }

    /// The customer pays, and Stripe's events reach the shop.
    fn pay(&self, order: &Placed) {
        self.stripe.pay(&order.session_id);
        self.deliver();
    }

    /// The shop receives Stripe's events.
    fn deliver(&self) {
        for answer in self.stripe.deliver(&self.server.client()) {
            answer.expect(200);
        }
    }

    fn buy(&self, customer: &Account, product: &str, quantity: u32) -> Placed {
        let order = customer.order(&[(product, quantity)]);
        self.pay(&order);
        customer.wait_for_order(&order.id, "PAID");
        order
    }

    /// A new customer's paid order of so many of the five units of a new product.
    fn paid_order(&self, price: impl Into<Value>, quantity: u32) -> (Account, String, Placed) {
        let (customer, product) = (self.shop.customer(), self.shop.product(price, 5));
        let order = self.buy(&customer, &product, quantity);
        (customer, product, order)
    }

    /// A guest's order of two at 11.90 with a tenth off, and 4.90 for shipping to Vienna. Once for each site.
    fn checkout_of_a_guest(&self) -> Placed {
        let admin = self.shop.admin();
        let option =
            json!({ "code": "post", "name": "Post", "by": "weight", "steps": [{ "amount": 4.9 }] });
        let zones =
            json!({ "zones": [{ "name": "Austria", "countries": ["AT"], "options": [option] }] });
        let shipping = admin.request("PUT", "/api/v1/checkouts/settings/shipping");
        shipping.json(&zones).expect(200);
        let code = admin.post("/api/v1/checkouts/codes");
        code.json(&json!({ "code": "TENTH", "percent": 10 }))
            .expect(201);
        let product = self.shop.product(11.9, 5);
        let content = json!({
            "items": [{ "productId": product, "quantity": 2 }],
            "email": "ada@example.com",
            "shippingAddress": { "name": "Ada", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT" },
            "shippingOption": "post",
            "codes": ["TENTH"],
        });
        let checkout = self.shop.nobody().post("/api/v1/checkouts");
        let checkout = checkout.json(&content).expect_json(201);
        let guest = text(&checkout["token"]);
        let body = json!({ "checkout": checkout["id"], "quote": checkout["quote"] });
        let order = self.shop.nobody().post("/api/v1/orders").bearer(&guest);
        Placed::from(order.json(&body).expect_json(201))
    }

    /// What Stripe calls the payment of an order.
    fn intent_of(&self, order: &Placed) -> String {
        text(&self.stripe.session(&order.session_id)["payment_intent"])
    }

    /// The customer's bank does not take the first refund.
    fn fail_first_refund(&self) {
        let refund = text(&self.stripe.refunds()[0]["id"]);
        self.stripe.fail_refund(&refund);
    }

    /// Asks for a refund under an idempotency key.
    fn refund(&self, payment: &Value, body: &Value, key: &str) -> Response {
        let id = text(&payment["id"]);
        let admin = self.shop.admin();
        let path = format!("/api/v1/payments/{id}/refund");
        admin
            .post(&path)
            .header("idempotency-key", key)
            .json(body)
            .send()
    }
}
