//! The mock's side of sessions and refunds.

use crate::ids::derived;

/// Where the gateway shows the checkout page of a session.
const CHECKOUT_PATH: &str = "/api/v1/payments/mock/checkout/";

/// Id of the session that an idempotency key opens.
#[must_use]
pub fn session_id(idempotency_key: &str) -> String {
    derived("cs_test_", idempotency_key)
}

/// Id of the refund that an idempotency key makes.
#[must_use]
pub fn refund_id(idempotency_key: &str) -> String {
    derived("re_", idempotency_key)
}

/// Where the customer pays.
#[must_use]
pub fn session_url(public_url: &str, session_id: &str) -> String {
    format!(
        "{}{CHECKOUT_PATH}{session_id}",
        public_url.trim().trim_end_matches('/')
    )
}

/// Where the customer finds the receipt: the page that says how the session ended.
#[must_use]
pub fn receipt_url(public_url: &str, session_id: &str) -> String {
    format!("{}?result=succeed", session_url(public_url, session_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_paid_at_the_gateways_checkout_page() {
        for base in ["http://shop.test", "http://shop.test/"] {
            let url = session_url(base, "cs_test_1");
            assert_eq!(
                url,
                "http://shop.test/api/v1/payments/mock/checkout/cs_test_1"
            );
            assert_eq!(
                receipt_url(base, "cs_test_1"),
                format!("{url}?result=succeed")
            );
        }
    }

    #[test]
    fn repeating_a_request_is_safe() {
        assert_eq!(session_id("p:session:1"), session_id("p:session:1"));
        assert_ne!(session_id("p:session:1"), session_id("p:session:2"));
        assert_ne!(refund_id("refund:1"), refund_id("refund:2"));
    }
}
