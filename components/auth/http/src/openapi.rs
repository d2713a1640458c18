//! This adapter's part of the OpenAPI document.

use utoipa::OpenApi;

/// The operations of this adapter.
#[derive(OpenApi)]
#[openapi(paths(
    crate::controllers::register::register,
    crate::controllers::login::login,
    crate::controllers::refresh::refresh,
    crate::controllers::logout::logout,
    crate::controllers::verify::verify,
    crate::controllers::me::show,
    crate::controllers::me::update,
    crate::controllers::password::change,
    crate::controllers::sessions::list,
    crate::controllers::sessions::end_others,
    crate::controllers::sessions::end,
    crate::controllers::users::list,
    crate::controllers::users::find,
    crate::controllers::users::update,
))]
pub struct Document;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ROUTES;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        mercato_edge::openapi::complete(
            Document::openapi(),
            ROUTES,
            crate::examples::examples().unwrap(),
        )
        .unwrap();
    }
}
