//! Lists and searches.

use mercato_kernel::{FieldError, PageRequest, Total};

use crate::application::ports::{Ports, Store as _};
use crate::domain::error::{ProductError, broken};
use crate::domain::facet::{CountedFacet, Facet};
use crate::domain::listing::{Filter, Listing, Sort};
use crate::domain::search::FoundPage;

/// Which part of the catalogue is wanted.
#[derive(Debug)]
pub struct Query {
    /// What the products must be.
    pub filter: Filter,
    /// What of the products that it finds is counted.
    pub facets: Vec<Facet>,
    /// In which order; without one by relevance where words are searched for, else newest first.
    pub sort: Option<Sort>,
    /// Which page.
    pub page: PageRequest,
}

/// Which conditions break a rule, whatever is in the catalogue.
#[must_use]
pub fn check(query: &Query) -> Vec<FieldError> {
    match Listing::new(&query.filter, &query.facets, query.sort, query.page.clone()) {
        Err(ProductError::Invalid(errors)) => errors,
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// One page of the catalogue.
///
/// # Errors
/// [`ProductError::Invalid`], also when so many products have come to match a search that its walk cannot go on;
/// [`ProductError::Store`].
pub fn handle(ports: &impl Ports, query: Query) -> Result<FoundPage, ProductError> {
    let mut listing = Listing::new(&query.filter, &query.facets, query.sort, query.page)?;
    if let Some(key) = &query.filter.category {
        let Some(category) = ports.store().category(key)? else {
            // Nothing is in a category that is not there.
            let page = listing.page(None, Total::counted(0), Vec::new());
            let facets = listing.facets.iter().cloned().map(CountedFacet::empty);
            return Ok(FoundPage {
                facets: facets.collect(),
                ..page.into()
            });
        };
        listing.category = Some(category);
    }
    ports.store().list(&listing)?.ok_or_else(|| {
        let rule = "leads on in a search that finds too much by now: begin it again";
        ProductError::Invalid(vec![broken("after", "format", rule)])
    })
}
