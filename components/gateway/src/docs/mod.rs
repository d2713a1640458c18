//! The documentation of the API: the OpenAPI document, a page to read it on and to try it out, and the guide.
//!
//! The page is Swagger UI with plugins of ours (`assets/`), the guide is `docs/api.md`; both are served from here and ask nothing
//! of any other host.

mod packed;
mod show_asset;
mod show_document;
mod show_guide;
mod show_page;

pub use show_asset::*;
pub use show_document::*;
pub use show_guide::*;
pub use show_page::*;

#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{HeaderValue, Problem, Reply, StatusCode, endpoint, header};

/// The page is at one address
#[endpoint(GET "/api/docs/", access = Public)]
pub async fn redirect() -> Result<Reply, Problem> {
    Ok(Reply::no_content()
        .with_status(StatusCode::PERMANENT_REDIRECT)
        .with_header(header::LOCATION, HeaderValue::from_static("/api/docs")))
}

/// A page with an entity tag.
#[cfg(not(target_family = "wasm"))]
fn html(description: &mut Description) {
    description.text(200, "text/html");
    description.tagged(200);
}
