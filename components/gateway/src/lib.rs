//! The front door: says that the shop is up and whether it is ready, documents the API, and answers 404 to whatever no
//! other box does.

use mercato_edge::{Access, Context, HeaderValue, Problem, Reply, Route, header, route, settings};
use serde::Serialize;
use utoipa::ToSchema;

pub mod docs;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod metrics;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod ready;
mod welcome;

/// What the box at this door says when it is asked for nothing in particular.
const GREETING: &str = "API Gateway is up and running!";

/// The routes of the front door. Everything else under `/` is a clean 404.
pub const ROUTES: &[Route] = &[
    route!(GET "/", Access::Public, greet),
    route!(GET "/api/health/live", Access::Public, live),
    route!(GET "/api/health/ready", Access::Public, ready::ready),
    route!(GET "/api/metrics", Access::Public, metrics::metrics),
    route!(GET "/api/docs", Access::Public, docs::show_page),
    route!(GET "/api/docs/", Access::Public, docs::redirect),
    route!(GET "/api/docs/guide", Access::Public, docs::show_guide),
    route!(GET "/api/docs/openapi.json", Access::Public, docs::show_document),
    route!(GET "/api/docs/{file}", Access::Public, docs::show_asset),
    route!(GET "/internal/settings", Access::Public, settings::settings),
];

mercato_edge::serve!(public ROUTES);

/// `GET /`.
#[utoipa::path(
    get,
    path = "/",
    tag = "Health",
    operation_id = "greet",
    summary = "Say hello",
    description = "Says that the front door is open: in a sentence, and to browsers with a page that leads on from there. Customers come back here \
        from the payment page when the shop names no other page; what they bring along changes nothing.",
    params(
        ("order" = Option<String>, Query, description = "The order that was to be paid"),
        ("checkout" = Option<String>, Query, description = "`success` or `cancel`"),
    ),
    responses((status = 200, description = "A greeting", content(
        (String = "text/plain", example = "API Gateway is up and running!"),
        (String = "text/html"),
    )))
)]
pub async fn greet(context: Context) -> Result<Reply, Problem> {
    let mut query = context.query_string();
    // Where customers come back to without `checkout_return_url`: they must not meet a refusal.
    for brought_along in ["order", "checkout"] {
        let _ = query.text(brought_along);
    }
    query.finish()?;
    let greeting = if mercato_edge::wants_html(&context) {
        welcome::page(&context).await
    } else {
        Reply::text(GREETING)
    };
    Ok(greeting.with_header(header::VARY, HeaderValue::from_static("accept")))
}

/// Whether something is up.
#[derive(Debug, Serialize, ToSchema)]
pub struct Liveness {
    /// Always `ok`: whatever is not up does not answer.
    #[schema(pattern = "^ok$", example = "ok")]
    status: &'static str,
}

/// The only answer there is.
const LIVE: Liveness = Liveness { status: "ok" };

/// `GET /api/health/live`.
#[utoipa::path(
    get,
    path = "/api/health/live",
    tag = "Health",
    operation_id = "live",
    summary = "Is it alive?",
    description = "Answers as long as the front door does; asks nobody else.",
    responses((status = 200, description = "It is", body = Liveness))
)]
pub async fn live(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    Reply::json(&LIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_open_to_everyone_as_it_verifies_no_tokens() {
        assert!(ROUTES.iter().all(|route| route.access == Access::Public));
    }

    #[test]
    fn every_box_with_a_public_route_is_asked_whether_it_is_ready() {
        let manifest = include_str!("../../../spin.toml");
        let routed = manifest
            .split("[[trigger.http]]")
            .skip(1)
            .filter_map(|table| {
                let line = table.lines().find(|line| line.starts_with("component"))?;
                line.split('"').nth(1)
            });
        let mut routed: Vec<&str> = routed.filter(|name| *name != "gateway").collect();
        routed.sort_unstable();
        assert_eq!(routed, ready::BOXES);
        assert!(metrics::BOXES.iter().all(|name| routed.contains(name)));
    }
}
