use mercato_edge::{Context, HeaderValue, Problem, Reply, endpoint, header};

#[cfg(not(target_family = "wasm"))]
use super::html;
use super::packed::{ASKED_AGAIN, Packed, packed};

const GUIDE: Packed = packed!("guide.html", "text/html; charset=utf-8");

/// What the guide may do: be read. It has no scripts.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

/// Read how to use the API
///
/// The guide: what holds for all operations, and every group of them by example. A page without scripts that loads nothing from other
/// hosts.
#[endpoint(
    GET "/api/docs/guide", access = Public, tag = "Health", id = "getGuide",
    returns = "The guide",
    describe = html,
)]
pub async fn show_guide(context: Context) -> Result<Reply, Problem> {
    let reply = GUIDE.reply(&context, ASKED_AGAIN)?;
    Ok(reply.with_header(header::CONTENT_SECURITY_POLICY, POLICY))
}
