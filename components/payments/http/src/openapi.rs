//! This adapter's part of the OpenAPI document.

use utoipa::openapi::{RefOr, Required};
use utoipa::{Modify, OpenApi};

/// The operations of this adapter.
#[derive(OpenApi)]
#[openapi(modifiers(&RefundWithoutBody), paths(
    crate::list::list,
    crate::open_session::open_session,
    crate::find_by_order::find_by_order,
    crate::webhook::webhook,
    crate::show_checkout::show_checkout,
    crate::simulate_checkout::simulate_checkout,
    crate::list_outbox::list_outbox,
    crate::relay_outbox::relay_outbox,
    crate::retry_event::retry_event,
    crate::find::find,
    crate::list_refunds::list_refunds,
    crate::list_disputes::list_disputes,
    crate::refund::refund
))]
pub struct Document;

/// A refund may come without any body, which a type cannot say: an optional one would allow `null`.
struct RefundWithoutBody;

impl Modify for RefundWithoutBody {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let item = document.paths.paths.get_mut("/api/v1/payments/{id}/refund");
        let operation = item.and_then(|item| item.post.as_mut());
        if let Some(RefOr::T(body)) =
            operation.and_then(|operation| operation.request_body.as_mut())
        {
            body.required = Some(Required::False);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let complete = mercato_edge::openapi::complete(
            Document::openapi(),
            crate::ROUTES,
            crate::examples::examples().unwrap(),
        );
        assert_eq!(complete.map(|_| ()), Ok(()));
    }

    #[test]
    fn only_a_refund_needs_no_body() {
        let document = Document::openapi();
        let bodies = document.paths.paths.values().filter_map(|item| {
            let operation = item.post.as_ref()?;
            let RefOr::T(body) = operation.request_body.as_ref()? else {
                return None;
            };
            Some((operation.operation_id.as_deref()?, body.required.clone()))
        });
        let mut without: Vec<&str> = bodies
            .filter(|(_, required)| *required != Some(Required::True))
            .map(|(name, _)| name)
            .collect();
        without.sort_unstable();
        assert_eq!(without, ["refundPayment"]);
    }
}
