//! This adapter's part of the OpenAPI document.

use utoipa::OpenApi;

/// The operations of this adapter.
#[derive(OpenApi)]
#[openapi(paths(
    crate::controllers::open_session::open_session,
    crate::controllers::find_by_order::find_by_order,
    crate::controllers::webhook::webhook,
    crate::controllers::show_checkout::show_checkout,
    crate::controllers::simulate_checkout::simulate_checkout,
    crate::controllers::list_outbox::list_outbox,
    crate::controllers::relay_outbox::relay_outbox,
    crate::controllers::retry_event::retry_event,
    crate::controllers::find::find,
    crate::controllers::refund::refund
))]
pub struct Document;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let complete = mercato_edge::openapi::complete(Document::openapi(), crate::ROUTES);
        println!("{}", complete.unwrap().to_pretty_json().unwrap());
    }
}
