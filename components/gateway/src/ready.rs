//! Readiness: every component is asked whether it can reach its databases.

use std::collections::BTreeMap;

use futures::future::join_all;
use http::HeaderName;
use mercato_edge::{Context, Json, OutboxLag, Problem, StatusCode, endpoint, internal, settings};
use mercato_platform::log;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// The components behind this door.
pub const COMPONENTS: [&str; 5] = [
    "auth-api",
    "checkout-api",
    "orders-api",
    "payments-api",
    "products-api",
];

/// How many lines of its log the runner has lost, if it has lost any.
const LOG_LINES_LOST: HeaderName = HeaderName::from_static("mercato-log-lines-lost");

/// What a component says of itself; only payments has an outbox.
#[derive(Debug, Default, Deserialize)]
struct Report {
    outbox: Option<OutboxLag>,
}

/// The state of every component.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ok`: everything is up.
    #[schema(pattern = "^ok$", example = "ok")]
    status: &'static str,
    /// `up` or `down`, by component.
    #[schema(example = json!({"auth-api": "up", "checkout-api": "up", "orders-api": "up", "payments-api": "up", "products-api": "up"}))]
    boxes: BTreeMap<&'static str, &'static str>,
    /// Null when payments does not say.
    #[schema(required)]
    outbox: Option<OutboxLag>,
    /// What an operator should look at although the shop can serve; left out when there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["12 log lines were lost since the start"]))]
    warnings: Vec<String>,
}

/// What a problem says when the shop is not ready.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unready {
    #[serde(flatten)]
    problem: mercato_edge::ProblemDocument<'static>,
    /// With `not-ready`: `up` or `down`, by component.
    #[schema(
        required = false,
        example = json!({"auth-api": "up", "checkout-api": "up", "orders-api": "down", "payments-api": "up", "products-api": "up"})
    )]
    boxes: BTreeMap<&'static str, &'static str>,
    /// What an operator should look at besides; left out when there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["12 log lines were lost since the start"]))]
    warnings: Vec<String>,
}

/// Is everything ready?
///
/// Asks every component whether it reaches its databases, and payments how far telling the orders is behind.
#[endpoint(
    GET "/api/health/ready", access = Public, tag = "Health", id = "ready",
    returns = "Every component is up",
    503: Unready = "Not ready; `boxes` names what is down",
)]
pub async fn ready(context: Context) -> Result<Json<Readiness>, Problem> {
    settings::usable_settings().await?;
    let asked = COMPONENTS.map(|name| report_of(name, context.request_id()));
    let reports: BTreeMap<&str, Option<Report>> = join_all(asked).await.into_iter().collect();
    let down: Vec<&str> = reports
        .iter()
        .filter(|(_, report)| report.is_none())
        .map(|(name, _)| *name)
        .collect();
    let boxes: BTreeMap<&'static str, &'static str> = reports
        .iter()
        .map(|(name, report)| (*name, if report.is_some() { "up" } else { "down" }))
        .collect();
    let outbox = reports.values().flatten().find_map(|report| report.outbox);
    let warnings = warnings(context.header(&LOG_LINES_LOST));
    if down.is_empty() {
        return Ok(Json(Readiness::of(boxes, outbox, warnings)));
    }
    log::error("the shop is not ready", &[("down", &down.join(", "))]);
    Err(not_ready(&down, &boxes, outbox, &warnings))
}

impl Readiness {
    /// That everything is up.
    pub const fn of(
        boxes: BTreeMap<&'static str, &'static str>,
        outbox: Option<OutboxLag>,
        warnings: Vec<String>,
    ) -> Self {
        Self {
            status: "ok",
            boxes,
            outbox,
            warnings,
        }
    }
}

/// 503 naming the components that are down.
pub fn not_ready(
    down: &[&str],
    boxes: &BTreeMap<&'static str, &'static str>,
    outbox: Option<OutboxLag>,
    warnings: &[String],
) -> Problem {
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not-ready",
        "Not ready",
        format!("not ready: {}", down.join(", ")),
    )
    .with_member("boxes", json!(boxes))
    .with_member("outbox", json!(outbox));
    if warnings.is_empty() {
        problem
    } else {
        problem.with_member("warnings", json!(warnings))
    }
}

/// The components that do not say that they are ready.
pub async fn boxes_that_are_down(request_id: &str) -> Vec<&'static str> {
    let reports = join_all(COMPONENTS.map(|name| report_of(name, request_id))).await;
    let down = reports.into_iter().filter(|(_, report)| report.is_none());
    down.map(|(name, _)| name).collect()
}

/// Only the runner knows what has become of the log; under Spin nobody says.
fn warnings(log_lines_lost: Option<&str>) -> Vec<String> {
    let lines = log_lines_lost.and_then(|lines| lines.parse::<u64>().ok());
    let lost = lines.filter(|lines| *lines > 0);
    lost.map(|lines| format!("{lines} log lines were lost since the start"))
        .into_iter()
        .collect()
}

/// What a component says of itself; none when it is down.
async fn report_of(name: &'static str, request_id: &str) -> (&'static str, Option<Report>) {
    let body = internal::ask(name, "/internal/ready", Some(request_id)).await;
    let report = body.map(|body| serde_json::from_slice(&body).unwrap_or_default());
    (name, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_log_lines_are_a_warning() {
        assert_eq!(
            warnings(Some("12")),
            ["12 log lines were lost since the start"]
        );
        for none in [None, Some("0"), Some("many"), Some("-1")] {
            assert!(warnings(none).is_empty(), "{none:?}");
        }
    }

    #[test]
    fn only_payments_tells_of_an_outbox() {
        let read = |body: &str| serde_json::from_str::<Report>(body).unwrap().outbox;
        let body = r#"{"status":"ok","outbox":{"pending":2,"parked":1,"oldestMs":30}}"#;
        let lag = read(body).unwrap();
        assert_eq!((lag.pending, lag.parked, lag.oldest_ms), (2, 1, 30));
        assert!(read(r#"{"status":"ok"}"#).is_none());
    }
}
