//! This adapter's part of the OpenAPI document.

use utoipa::OpenApi;

use crate::product::ImportRowBody;
use crate::{create, delete, find, import, list, stats, update};

/// The operations of this adapter.
#[derive(OpenApi)]
#[openapi(
    paths(
        list::list,
        create::create,
        stats::stats,
        find::find,
        update::update,
        delete::delete,
        import::import
    ),
    components(schemas(ImportRowBody))
)]
pub struct Document;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let document = mercato_edge::openapi::complete(
            Document::openapi(),
            crate::ROUTES,
            crate::examples::examples().unwrap(),
        );
        assert_eq!(document.err(), None);
    }

    #[test]
    fn every_schema_that_is_referred_to_is_there() {
        let document = serde_json::to_value(Document::openapi()).unwrap();
        let text = document.to_string();
        let references = text.split("\"#/components/schemas/").skip(1);
        for reference in references {
            let name = reference.split('"').next().unwrap();
            let schema = &document["components"]["schemas"][name];
            // What all adapters share is added when their documents are put together.
            assert!(schema.is_object() || name == "Problem", "{name}");
        }
    }
}
