//! What the use cases need from outside.
#![allow(
    async_fn_in_trait,
    reason = "a component has one thread; nothing here needs Send"
)]

use mercato_kernel::ProductId;
use mercato_money::{Currency, Money};
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;

use super::Error;
use crate::domain::quote::Choice;
use crate::domain::{CheckoutId, CheckoutToken};
use crate::store::Store;

/// A product as checkouts see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueItem {
    /// The product, or the variant of one.
    pub product_id: ProductId,
    /// The product's name.
    pub name: String,
    /// What was chosen of its options, in their order.
    pub choices: Vec<Choice>,
    /// Price of one.
    pub price: Money,
    /// How it is taxed; empty for what has no class.
    pub tax_class: String,
    /// Weight of one; 0 when it is not known.
    pub weight_grams: u32,
    /// Units that are free to sell.
    pub available: u64,
}

/// The catalogue.
pub trait Catalogue {
    /// What there is of these products, in any order; those that cannot be bought are left out. Units that are held for
    /// orders of the checkout `holder` count as free.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the catalogue cannot be asked now.
    async fn items(
        &self,
        products: &[ProductId],
        holder: CheckoutId,
    ) -> Result<Vec<CatalogueItem>, Error>;
}

/// Makes tokens that nobody can guess.
pub trait Secrets {
    /// A new token.
    fn token(&self) -> CheckoutToken;
}

/// Everything that the use cases need, chosen once per instance.
pub struct Ports<C> {
    /// The database.
    pub(crate) store: Store,
    /// The catalogue.
    pub(crate) catalogue: C,
    /// Tokens of guests.
    pub(crate) secrets: Box<dyn Secrets>,
    /// The time.
    pub(crate) clock: Box<dyn Clock>,
    /// New ids.
    pub(crate) ids: Box<dyn Ids>,
    /// The shop's currency.
    pub(crate) currency: Currency,
}

impl<C> Ports<C> {
    /// With these. The database is opened at first use; natively, for tests, it is a new one in memory.
    #[must_use]
    pub fn new(
        catalogue: C,
        secrets: impl Secrets + 'static,
        clock: impl Clock + 'static,
        ids: impl Ids + 'static,
        currency: Currency,
    ) -> Self {
        Self {
            store: Store::new(),
            catalogue,
            secrets: Box::new(secrets),
            clock: Box::new(clock),
            ids: Box::new(ids),
            currency,
        }
    }

    /// The shop's currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(super) fn new_checkout_id(&self) -> CheckoutId {
        CheckoutId::from(self.ids.new_uuid())
    }
}
