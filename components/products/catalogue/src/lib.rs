//! What can be bought, for other contexts: from the types of WIT to the use case and back.

use mercato_kernel::{CheckoutId, ProductId};
use products::application::queries::find_products;
use products::domain::error::StoreError;
use products::domain::sellable::Sellable;
use products::{instance, log_cause};

use bindings::exports::mercato::products::catalogue::{CatalogueError, Guest, Item};
use bindings::mercato::products::inventory::Choice;

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

impl From<(Sellable, u64)> for Item {
    fn from((sellable, available): (Sellable, u64)) -> Self {
        let choices = sellable.choices.into_iter().map(|choice| Choice {
            name: choice.name,
            value: choice.value,
        });
        Self {
            product_id: sellable.id.to_string(),
            name: sellable.name.into(),
            choices: choices.collect(),
            price: sellable.price.amount().units(),
            tax_class: sellable.tax_class.into(),
            weight_grams: sellable.weight.grams(),
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
    use products::domain::values::{Price, TaxClass, Weight};
    use products::domain::variant;

    use super::*;

    #[test]
    fn an_item_says_what_a_checkout_reckons_with() {
        let id = ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let sellable = Sellable {
            id,
            variant_of: None,
            name: "Tea".parse().unwrap(),
            choices: vec![variant::Choice {
                name: "Size".to_owned(),
                value: "250 g".to_owned(),
            }],
            price: Price::stored("4.99".parse().unwrap()),
            tax_class: TaxClass::stored("food".to_owned()),
            weight: Weight::stored(250),
            item: id,
            item_units: 1,
            item_free: 7,
        };
        let item = Item::from((sellable, 9));
        assert_eq!((&*item.product_id, &*item.name), (&*id.text(), "Tea"));
        assert_eq!(
            (&*item.choices[0].name, &*item.choices[0].value),
            ("Size", "250 g")
        );
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
