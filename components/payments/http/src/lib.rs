//! REST adapter of payments.

use mercato_edge::{Access, BodyRule, Route, route, settings};

mod body;
mod checkout_page;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod find;
mod find_by_order;
mod list;
mod list_disputes;
mod list_outbox;
mod list_refunds;
mod metrics;
mod open_session;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod page;
mod parameters;
mod problems;
mod ready;
mod refund;
pub mod relay;
mod relay_outbox;
mod resource;
mod retry_event;
mod schemas;
mod show_checkout;
mod simulate_checkout;
mod storefront;
mod webhook;

/// The routes of payments.
pub const ROUTES: &[Route] = &[
    route!(GET "/api/v1/payments", Access::Admin, list::list),
    route!(POST "/api/v1/payments/session", Access::Session, open_session::open_session),
    route!(GET "/api/v1/payments/order/{orderId}", Access::Bearer, find_by_order::find_by_order),
    route!(POST "/api/v1/payments/webhook", Access::Public, webhook::webhook, body webhook::BODY),
    route!(GET "/api/v1/payments/mock/checkout/{sessionId}", Access::Public, show_checkout::show_checkout),
    route!(POST "/api/v1/payments/mock/checkout/{sessionId}", Access::Public, simulate_checkout::simulate_checkout, body simulate_checkout::BODY),
    route!(GET "/api/v1/payments/outbox", Access::Admin, list_outbox::list_outbox),
    route!(POST "/api/v1/payments/outbox/relay", Access::Admin, relay_outbox::relay_outbox, body BodyRule::IGNORED),
    route!(POST "/api/v1/payments/outbox/{eventId}/retry", Access::Admin, retry_event::retry_event, body BodyRule::IGNORED),
    route!(GET "/api/v1/payments/{id}", Access::Bearer, find::find),
    route!(GET "/api/v1/payments/{id}/refunds", Access::Bearer, list_refunds::list_refunds),
    route!(GET "/api/v1/payments/{id}/disputes", Access::Admin, list_disputes::list_disputes),
    route!(POST "/api/v1/payments/{id}/refund", Access::Admin, refund::refund, body BodyRule::OPTIONAL_JSON),
    route!(GET "/internal/ready", Access::Public, ready::ready),
    route!(GET "/internal/settings", Access::Public, settings::settings),
    route!(GET "/internal/metrics", Access::Public, metrics::metrics),
    route!(POST "/internal/relay", Access::Public, relay_outbox::relay_on_timer, body BodyRule::IGNORED),
];

mercato_edge::serve!(ROUTES, relay::after_request);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_provider_customers_and_host_come_without_a_token() {
        let public: Vec<_> = ROUTES
            .iter()
            .filter(|route| {
                !matches!(
                    route.access,
                    Access::Bearer | Access::Session | Access::Admin
                )
            })
            .map(|route| (route.method.as_str(), route.pattern))
            .collect();
        let expected = [
            ("POST", "/api/v1/payments/webhook"),
            ("GET", "/api/v1/payments/mock/checkout/{sessionId}"),
            ("POST", "/api/v1/payments/mock/checkout/{sessionId}"),
            ("GET", "/internal/ready"),
            ("GET", "/internal/settings"),
            ("GET", "/internal/metrics"),
            ("POST", "/internal/relay"),
        ];
        assert_eq!(public, expected);
    }

    #[test]
    fn money_and_events_move_only_for_admins() {
        for pattern in [
            "/api/v1/payments",
            "/api/v1/payments/{id}/refund",
            "/api/v1/payments/{id}/disputes",
            "/api/v1/payments/outbox",
            "/api/v1/payments/outbox/relay",
            "/api/v1/payments/outbox/{eventId}/retry",
        ] {
            let route = ROUTES.iter().find(|route| route.pattern == pattern);
            assert_eq!(
                route.map(|route| route.access),
                Some(Access::Admin),
                "{pattern}"
            );
        }
    }
}
