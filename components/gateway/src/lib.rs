//! The front door: says that the shop is up and whether it is ready, documents the API, and answers 404 to whatever no
//! other component does.

#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{
    Context, HeaderValue, Json, Problem, Query, Reply, Route, endpoint, header, query, settings,
};
use serde::Serialize;
use utoipa::ToSchema;

pub mod docs;
#[cfg(not(target_family = "wasm"))]
pub mod examples;
mod metrics;
mod pictures;
mod ready;
mod welcome;

/// What the front door answers at `/`.
const GREETING: &str = "API Gateway is up and running!";

/// The routes of the front door. Everything else under `/` is a clean 404.
pub const ROUTES: &[Route] = &[
    GREET,
    LIVE,
    ready::READY,
    metrics::METRICS,
    docs::SHOW_PAGE,
    docs::REDIRECT,
    docs::SHOW_GUIDE,
    docs::SHOW_DOCUMENT,
    docs::SHOW_ASSET,
    pictures::DRAW,
    settings::SETTINGS,
];

mercato_edge::serve!(public ROUTES);

/// What customers bring along who come back without `checkout_return_url`: they must not meet a refusal.
#[query]
#[derive(Debug)]
pub struct Return {
    /// The order that was to be paid
    pub order: Option<String>,
    /// `success` or `cancel`
    pub checkout: Option<String>,
}

/// Say hello
///
/// Says that the front door is open: in a sentence, and to browsers with a page that leads on from there. Customers come back here from
/// the payment page when the shop names no other page; what they bring along changes nothing.
#[endpoint(
    GET "/", access = Public, tag = "Health", id = "greet",
    returns = "A greeting",
    describe = describe_greeting,
)]
pub async fn greet(context: Context, _: Query<Return>) -> Result<Reply, Problem> {
    let greeting = if mercato_edge::wants_html(&context) {
        welcome::page(&context).await
    } else {
        Reply::text(GREETING)
    };
    Ok(greeting.with_header(header::VARY, HeaderValue::from_static("accept")))
}

#[cfg(not(target_family = "wasm"))]
fn describe_greeting(description: &mut Description) {
    description.text(200, "text/plain");
    description.text(200, "text/html");
}

/// Whether something is up.
#[derive(Debug, Serialize, ToSchema)]
pub struct Liveness {
    /// Always `ok`: whatever is not up does not answer.
    #[schema(pattern = "^ok$", example = "ok")]
    status: &'static str,
}

impl Liveness {
    /// It is.
    const OK: Self = Self { status: "ok" };
}

/// Is it alive?
///
/// Answers as long as the front door does; asks nobody else.
#[endpoint(
    GET "/api/health/live", access = Public, tag = "Health", id = "live",
    returns = "It is",
)]
pub async fn live() -> Result<Json<Liveness>, Problem> {
    Ok(Json(Liveness::OK))
}

#[cfg(test)]
mod tests {
    use mercato_edge::Access;

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
        routed.dedup();
        assert_eq!(routed, ready::COMPONENTS);
        assert!(metrics::COMPONENTS.iter().all(|name| routed.contains(name)));
    }
}
