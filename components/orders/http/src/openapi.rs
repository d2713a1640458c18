//! This adapter's part of the OpenAPI document.

use utoipa::OpenApi;

/// The operations of this adapter.
#[derive(OpenApi)]
#[openapi(paths(
    crate::list::list,
    crate::create::create,
    crate::stats::stats,
    crate::list::list_by_status,
    crate::find::find,
    crate::change_status::change_status
))]
pub struct Document;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let complete = mercato_edge::openapi::complete(
            Document::openapi(),
            crate::ROUTES,
            crate::examples::examples().unwrap(),
        );
        assert_eq!(complete.map(|_| ()), Ok(()));
    }
}
