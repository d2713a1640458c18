//! REST adapter of payments.

use mercato_edge::{Route, settings};

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
mod problems;
mod ready;
mod refund;
pub mod relay;
mod relay_outbox;
mod resource;
mod retry_event;
mod show_checkout;
mod simulate_checkout;
mod storefront;
mod webhook;

/// The routes of payments.
pub const ROUTES: &[Route] = &[
    list::LIST,
    open_session::OPEN_SESSION,
    find_by_order::FIND_BY_ORDER,
    webhook::WEBHOOK,
    show_checkout::SHOW_CHECKOUT,
    simulate_checkout::SIMULATE_CHECKOUT,
    list_outbox::LIST_OUTBOX,
    relay_outbox::RELAY_OUTBOX,
    retry_event::RETRY_EVENT,
    find::FIND,
    list_refunds::LIST_REFUNDS,
    list_disputes::LIST_DISPUTES,
    refund::REFUND,
    ready::READY,
    settings::SETTINGS,
    metrics::METRICS,
    relay_outbox::RELAY_ON_TIMER,
];

mercato_edge::serve!(ROUTES, relay::after_request);

#[cfg(test)]
mod tests {
    use mercato_edge::Access;

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
