//! This adapter's part of the OpenAPI document.

use utoipa::OpenApi;

/// The operations of this adapter.
#[derive(OpenApi)]
#[openapi(paths())]
pub struct Document;
