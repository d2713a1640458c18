//! What the checkout page knows of the shop that it takes payments for.

use mercato_edge::{Problem, settings::variable};
use mercato_kernel::OrderId;
use mercato_settings::{CheckoutReturn, return_page, return_url};

/// The shop, as customers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storefront {
    /// Its name: the variable `shop_name`.
    pub name: String,
    /// The page that customers come back to: `checkout_return_url`, or the shop's own address.
    pub page: String,
}

impl Storefront {
    /// Reads it from the variables.
    ///
    /// # Errors
    /// 500 when one of them cannot be read: the log says why.
    pub async fn read() -> Result<Self, Problem> {
        let named = variable("checkout_return_url").await?;
        Ok(Self {
            name: variable("shop_name").await?.trim().to_owned(),
            page: return_page(&named, &variable("public_url").await?),
        })
    }

    /// Where the customer of an order goes from the checkout page.
    #[must_use]
    pub fn return_url(&self, order_id: OrderId, outcome: CheckoutReturn) -> String {
        return_url(&self.page, &order_id.text(), outcome)
    }
}
