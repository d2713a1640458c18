//! This adapter's part of the OpenAPI document.

use mercato_edge::PageMeta;
use utoipa::{OpenApi, ToSchema};

use crate::controllers::{create, delete, find, import, list, stats, update};
use crate::resource::ProductResource;

/// The operations of this adapter.
#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    create::create,
    stats::stats,
    find::find,
    update::update,
    delete::delete,
    import::import
))]
pub struct Document;

/// One page of the catalogue.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct ProductPage<'a> {
    /// The products of the page.
    #[schema(max_items = 100)]
    data: Vec<ProductResource<'a>>,
    meta: PageMeta,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let document = mercato_edge::openapi::complete(Document::openapi(), crate::ROUTES);
        assert_eq!(document.err(), None);
    }
}
