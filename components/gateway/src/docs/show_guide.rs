use mercato_edge::{Context, HeaderValue, Problem, Reply, header};

use super::packed::{ASKED_AGAIN, Packed, packed};

const GUIDE: Packed = packed!("guide.html", "text/html; charset=utf-8");

/// What the guide may do: be read. It has no scripts.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

/// `GET /api/docs/guide`.
#[utoipa::path(
    get,
    path = "/api/docs/guide",
    tag = "Health",
    operation_id = "getGuide",
    summary = "Read how to use the API",
    description = "The guide: what holds for all operations, and every group of them by example. A page without scripts that loads nothing \
        from other hosts.",
    params(
        ("If-None-Match" = Option<String>, Header, description = "A tag of an earlier answer"),
    ),
    responses(
        (
            status = 200,
            description = "The guide",
            content_type = "text/html",
            body = String,
            headers(("ETag" = String, description = "Changes with the guide")),
        ),
        (status = 304, description = "Still as the client has it"),
    )
)]
pub async fn show_guide(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let reply = GUIDE.reply(&context, ASKED_AGAIN)?;
    Ok(reply.with_header(header::CONTENT_SECURITY_POLICY, POLICY))
}
