use mercato_edge::{Context, Problem, Reply};

use super::packed::{ASKED_AGAIN, Packed, packed};

const DOCUMENT: Packed = packed!("openapi.json", "application/json");

/// `GET /api/docs/openapi.json`.
#[utoipa::path(
    get,
    path = "/api/docs/openapi.json",
    tag = "Health",
    operation_id = "getOpenApi",
    summary = "Get this document",
    description = "The description of the whole API in OpenAPI 3.1, for generators of clients and tests.",
    params(
        ("If-None-Match" = Option<String>, Header, description = "A tag of an earlier answer"),
    ),
    responses(
        (
            status = 200,
            description = "The document",
            content_type = "application/json",
            body = Object,
            headers(("ETag" = String, description = "Changes with the document")),
        ),
        (status = 304, description = "Still as the client has it"),
    )
)]
pub async fn show_document(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    DOCUMENT.reply(&context, ASKED_AGAIN)
}
