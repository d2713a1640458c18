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
    shop::{Account, Placed, Shop},
    stripe::FakeStripe,
};
use serde_json::Value;

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

    /// The customer pays, and Stripe tells the shop.
    fn pay(&self, order: &Placed) {
        self.stripe.pay(&order.session_id);
        self.deliver();
    }

    /// Stripe tells the shop what has happened.
    fn deliver(&self) {
        for answer in self.stripe.deliver(&self.server.client()) {
            answer.expect(200);
        }
    }

    fn paid_order(&self, customer: &Account, product: &str, quantity: u32) -> Placed {
        let order = customer.order(&[(product, quantity)]);
        self.pay(&order);
        customer.wait_for_order(&order.id, "PAID");
        order
    }

    /// Asks for a refund under an idempotency key.
    fn refund(&self, payment: &Value, body: &Value, key: &str) -> Response {
        let id = mercato_tests::shop::text(&payment["id"]);
        let admin = self.shop.admin();
        let path = format!("/api/v1/payments/{id}/refund");
        admin
            .post(&path)
            .header("idempotency-key", key)
            .json(body)
            .send()
    }
}
