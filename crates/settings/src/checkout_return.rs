//! Where customers come back to after the payment page, whichever provider shows it.

/// How a customer comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckoutReturn {
    /// Having paid.
    Success,
    /// Without having paid.
    Cancel,
}

impl CheckoutReturn {
    /// The value of the parameter `checkout`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Cancel => "cancel",
        }
    }
}

/// The page of the shop's front end that customers return to: `checkout_return_url`, or without one the shop's own address.
#[must_use]
pub fn return_page(checkout_return_url: &str, public_url: &str) -> String {
    let chosen = if checkout_return_url.trim().is_empty() {
        public_url
    } else {
        checkout_return_url
    };
    chosen.trim().to_owned()
}

/// The address of that page for one order: `order=ORDER_ID` and `checkout=success` or `checkout=cancel` are added to its
/// query.
#[must_use]
pub fn return_url(page: &str, order_id: &str, outcome: CheckoutReturn) -> String {
    let separator = if page.contains('?') { '&' } else { '?' };
    let outcome = outcome.name();
    format!("{page}{separator}order={order_id}&checkout={outcome}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_return_to_the_shop_unless_another_page_is_named() {
        for (named, page) in [
            ("", "http://shop.test"),
            (" ", "http://shop.test"),
            (" https://shop.test/thanks\n", "https://shop.test/thanks"),
        ] {
            assert_eq!(return_page(named, "http://shop.test"), page);
        }
    }

    #[test]
    fn order_and_outcome_are_added_to_the_query() {
        for (page, outcome, url) in [
            (
                "https://shop.test",
                CheckoutReturn::Success,
                "https://shop.test?order=o&checkout=success",
            ),
            (
                "https://shop.test/?page=thanks",
                CheckoutReturn::Cancel,
                "https://shop.test/?page=thanks&order=o&checkout=cancel",
            ),
        ] {
            assert_eq!(return_url(page, "o", outcome), url);
        }
    }
}
