use crate::domain::error::ProductError;
use crate::domain::listing::{Filter, Listing, PageRequest, ProductPage, Sort};
use crate::ports::Store;

/// One page of the catalogue.
///
/// # Errors
/// [`ProductError::Invalid`], [`ProductError::Store`].
pub fn list_products(
    store: &impl Store,
    filter: &Filter,
    sort: Option<Sort>,
    page: &PageRequest,
) -> Result<ProductPage, ProductError> {
    Ok(store.list(&Listing::new(filter, sort, page)?)?)
}
