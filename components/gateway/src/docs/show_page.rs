use mercato_edge::{Context, HeaderValue, Problem, Reply, endpoint, header};

#[cfg(not(target_family = "wasm"))]
use super::html;
use super::packed::{ASKED_AGAIN, Packed, packed};

const PAGE: Packed = packed!("index.html", "text/html; charset=utf-8");

/// What the page may do: everything from here and nothing from elsewhere. Swagger UI sets styles on elements and has
/// its icons in data URLs.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

/// Read about the API
///
/// A page that shows the OpenAPI document and sends requests from the browser. It loads nothing from other hosts.
#[endpoint(
    GET "/api/docs", access = Public, tag = "Health", id = "getDocs",
    returns = "The page",
    describe = html,
)]
pub async fn show_page(context: Context) -> Result<Reply, Problem> {
    let reply = PAGE.reply(&context, ASKED_AGAIN)?;
    Ok(reply.with_header(header::CONTENT_SECURITY_POLICY, POLICY))
}
