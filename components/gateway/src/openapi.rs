//! This adapter's part of the OpenAPI document.

use utoipa::OpenApi;

/// The operations of the front door.
#[derive(OpenApi)]
#[openapi(paths(
    crate::greet,
    crate::live,
    crate::ready::ready,
    crate::metrics::metrics,
    crate::docs::show_page,
    crate::docs::show_guide,
    crate::docs::show_document,
    crate::docs::show_asset,
))]
pub struct Document;
