//! The documentation of the API: the OpenAPI document, and a page to read it on and to try it out.
//!
//! The page is Swagger UI, served from here: it asks nothing of any other host.

mod packed;
mod show_asset;
mod show_document;
mod show_page;

pub use show_asset::*;
pub use show_document::*;
pub use show_page::*;

use mercato_edge::{HeaderValue, Problem, Reply, StatusCode, header};

/// `GET /api/docs/`: the page is at one address.
pub async fn redirect(_: mercato_edge::Context) -> Result<Reply, Problem> {
    Ok(Reply::no_content()
        .with_status(StatusCode::PERMANENT_REDIRECT)
        .with_header(header::LOCATION, HeaderValue::from_static("/api/docs")))
}
