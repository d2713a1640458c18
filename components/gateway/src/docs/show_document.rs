#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{Context, Problem, Reply, endpoint};

use super::packed::{ASKED_AGAIN, Packed, packed};

const DOCUMENT: Packed = packed!("openapi.json", "application/json");

/// Get this document
///
/// The description of the whole API in OpenAPI 3.1, for generators of clients and tests.
#[endpoint(
    GET "/api/docs/openapi.json", access = Public, tag = "Health", id = "getOpenApi",
    returns = "The document",
    describe = describe,
)]
pub async fn show_document(context: Context) -> Result<Reply, Problem> {
    DOCUMENT.reply(&context, ASKED_AGAIN)
}

#[cfg(not(target_family = "wasm"))]
fn describe(description: &mut Description) {
    description.object(200);
    description.tagged(200);
}
