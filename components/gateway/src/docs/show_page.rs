use mercato_edge::{Context, HeaderValue, Problem, Reply, header};

use super::packed::{ASKED_AGAIN, Packed, packed};

const PAGE: Packed = packed!("index.html", "text/html; charset=utf-8");

/// What the page may do: everything from here and nothing from elsewhere. Swagger UI sets styles on elements and has
/// its icons in data URLs.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

/// `GET /api/docs`.
#[utoipa::path(
    get,
    path = "/api/docs",
    tag = "Health",
    operation_id = "getDocs",
    summary = "Read about the API",
    description = "A page that shows the OpenAPI document and sends requests from the browser. It loads nothing from other hosts.",
    params(
        ("If-None-Match" = Option<String>, Header, description = "A tag of an earlier answer"),
    ),
    responses(
        (
            status = 200,
            description = "The page",
            content_type = "text/html",
            body = String,
            headers(("ETag" = String, description = "Changes with the page")),
        ),
        (status = 304, description = "Still as the client has it"),
    )
)]
pub async fn show_page(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let reply = PAGE.reply(&context, ASKED_AGAIN)?;
    Ok(reply.with_header(header::CONTENT_SECURITY_POLICY, POLICY))
}
