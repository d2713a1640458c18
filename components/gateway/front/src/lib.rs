//! The front door: says that the shop is up and whether it is ready, and answers 404 to whatever no other box does.

use mercato_edge::{Access, Context, Problem, Reply, Route, route};

mod ready;

/// What the box at this door says when it is asked for nothing in particular.
const GREETING: &str = "API Gateway is up and running!";

/// The routes of the front door. Everything else under `/` is a clean 404.
pub const ROUTES: &[Route] = &[
    route!(GET "/", Access::Public, greet),
    route!(GET "/api/health/live", Access::Public, live),
    route!(GET "/api/health/ready", Access::Public, ready::ready),
];

mercato_edge::serve!(public ROUTES);

async fn greet(_: Context) -> Result<Reply, Problem> {
    Ok(Reply::text(GREETING))
}

async fn live(_: Context) -> Result<Reply, Problem> {
    Reply::json(&serde_json::json!({ "status": "ok" }))
}
