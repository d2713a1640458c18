//! What can be bought, for other contexts: from the types of WIT to the use case and back.

use mercato_kernel::{CheckoutId, ProductId};
use products::application::queries::find_products;
use products::domain::error::StoreError;
use products::domain::product::ProductView;
use products::{instance, log_cause};

use bindings::exports::mercato::products::catalogue::{CatalogueError, Guest, Item};

mercato_contracts::component!(Component, "mercato:shop/products-catalogue", "../../../wit");

/// What the world `products-catalogue` exports.
pub struct Component;

impl Guest for Component {
    async fn items(
        product_ids: Vec<String>,
        holder: Option<String>,
    ) -> Result<Vec<Item>, CatalogueError> {
        // What is no id is no product's.
        let ids = product_ids
            .iter()
            .filter_map(|id| ProductId::parse(id).ok());
        let holder = holder.and_then(|id| CheckoutId::parse(&id).ok());
        let found = find_products::for_checkout(&*instance(), &ids.collect::<Vec<_>>(), holder);
        Ok(found?.into_iter().map(Into::into).collect())
    }
}

impl From<(ProductView, u64)> for Item {
    fn from((product, available): (ProductView, u64)) -> Self {
        Self {
            product_id: product.id.to_string(),
            name: product.name.into(),
            price: product.price.amount().units(),
            tax_class: product.tax_class.into(),
            weight_grams: product.weight.grams(),
            available,
        }
    }
}

impl From<StoreError> for CatalogueError {
    fn from(error: StoreError) -> Self {
        log_cause(&error);
        match error {
            StoreError::Unavailable(_) | StoreError::TooExpensive(_) => Self::Unavailable,
            StoreError::Fault(_) => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use products::domain::product::{Product, ProductChanges, StockChange};
    use products::domain::values::Weight;

    use super::*;

    #[test]
    fn an_item_says_what_a_checkout_reckons_with() {
        let id = ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let new = ProductChanges {
            name: Some("Tea".parse().unwrap()),
            price: Some("4.99".parse().unwrap()),
            tax_class: Some("food".parse().unwrap()),
            weight: Weight::parse(250).ok(),
            stock: Some(StockChange::Absolute(7)),
            ..ProductChanges::default()
        };
        let product = Product::create(id, &new, 0).unwrap().into_view();
        let item = Item::from((product, 9));
        assert_eq!((&*item.product_id, &*item.name), (&*id.text(), "Tea"));
        assert_eq!((item.price, &*item.tax_class), (49_900, "food"));
        assert_eq!((item.weight_grams, item.available), (250, 9));
    }

    #[test]
    fn every_error_keeps_its_name() {
        let cause = || "the cause".to_owned();
        for (error, name) in [
            (
                StoreError::Unavailable(cause()),
                CatalogueError::Unavailable,
            ),
            (
                StoreError::TooExpensive(cause()),
                CatalogueError::Unavailable,
            ),
            (StoreError::Fault(cause()), CatalogueError::Internal),
        ] {
            assert_eq!(CatalogueError::from(error), name);
        }
    }
}
