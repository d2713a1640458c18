//! The catalogue behind the port [`Catalogue`].

use mercato_contracts::products::catalogue::{self, CatalogueError, Item};
use mercato_contracts::products::inventory;
use mercato_kernel::{CheckoutId, ProductId};
use mercato_money::Money;

use crate::application::Error;
use crate::application::ports::{Catalogue, CatalogueItem};
use crate::domain::quote::Choice;

/// The catalogue of the component this one is composed with.
pub struct ComposedCatalogue;

impl Catalogue for ComposedCatalogue {
    async fn items(
        &self,
        products: &[ProductId],
        holder: CheckoutId,
    ) -> Result<Vec<CatalogueItem>, Error> {
        let ids = products.iter().map(ToString::to_string).collect();
        let items = catalogue::items(ids, Some(holder.to_string())).await;
        let items = items.map_err(failure)?;
        items.into_iter().map(item).collect()
    }
}

fn failure(error: CatalogueError) -> Error {
    match error {
        CatalogueError::Unavailable => {
            Error::Unavailable("the catalogue did not answer".to_owned())
        }
        CatalogueError::Internal => Error::Internal("the catalogue failed".to_owned()),
    }
}

fn item(item: Item) -> Result<CatalogueItem, Error> {
    let wrong = |error| Error::Internal(format!("the catalogue gave an id that {error}"));
    Ok(CatalogueItem {
        product_id: ProductId::parse(&item.product_id).map_err(wrong)?,
        name: item.name,
        choices: item.choices.into_iter().map(choice).collect(),
        price: Money::from_units(item.price),
        tax_class: item.tax_class,
        weight_grams: item.weight_grams,
        available: item.available,
    })
}

fn choice(choice: inventory::Choice) -> Choice {
    Choice {
        name: choice.name,
        value: choice.value,
    }
}
