use crate::domain::error::{FieldCode, FieldError, ProductError};
use crate::domain::listing::{Filter, Listing, PageRequest, ProductPage, Sort};
use crate::ports::Store;

/// One page of the catalogue.
///
/// # Errors
/// [`ProductError::Invalid`], also when so many products have come to match a search that its walk cannot go on;
/// [`ProductError::Store`].
pub fn list_products(
    store: &impl Store,
    filter: &Filter,
    sort: Option<Sort>,
    page: &PageRequest,
) -> Result<ProductPage, ProductError> {
    let found = store.list(&Listing::new(filter, sort, page)?)?;
    found.ok_or_else(|| {
        let rule = "leads on in a search that finds too much by now: begin it again";
        ProductError::Invalid(vec![FieldError::new("after", FieldCode::Format, rule)])
    })
}
