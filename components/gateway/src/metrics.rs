//! Metrics of the shop, for whoever holds the secret of the variable `metrics_token`.

use futures::future::join_all;
#[cfg(not(target_family = "wasm"))]
use mercato_edge::Description;
use mercato_edge::{Context, FromContext, Problem, Query, Reply, endpoint, internal};
use mercato_metrics::{Exposition, Family, Kind};
use mercato_platform::log;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use mercato_contracts::variables::variables;

/// The components that have metrics.
pub const COMPONENTS: [&str; 3] = ["orders-api", "payments-api", "products-api"];

/// Measure the shop
///
/// Orders and payments by status, events under way and parked, retries, in Prometheus' text format. Asks for the secret that the shop's
/// operator has set, not for an account's token.
#[endpoint(
    GET "/api/metrics", access = Public, tag = "Health", id = "getMetrics",
    returns = "The numbers of now",
    401 = "Not the operator's secret",
    404 = "The operator has set no secret",
    describe = describe,
)]
pub async fn metrics(_: OperatorSecret, _: Query<()>, context: Context) -> Result<Reply, Problem> {
    let asked =
        COMPONENTS.map(|name| internal::ask(name, "/internal/metrics", Some(context.request_id())));
    let answers: Vec<_> = COMPONENTS.into_iter().zip(join_all(asked).await).collect();
    Ok(Reply::metrics(merge(&answers)))
}

#[cfg(not(target_family = "wasm"))]
fn describe(description: &mut Description) {
    description.text(200, "text/plain");
    description.secured_by("metrics");
}

/// The request brings the value of `metrics_token`. It is looked at before anything else.
pub struct OperatorSecret;

impl FromContext for OperatorSecret {
    async fn from_context(context: &Context) -> Result<Self, Problem> {
        admit(&secret().await?, context.bearer_token()).map(|()| Self)
    }

    #[cfg(not(target_family = "wasm"))]
    fn describe(_: &mut Description) {}
}

async fn secret() -> Result<String, Problem> {
    variables::get("metrics_token".to_owned())
        .await
        .map_err(|error| {
            log::error(
                "metrics_token cannot be read",
                &[("error", &error.to_string())],
            );
            Problem::internal()
        })
}

/// Lets in whoever knows the secret. How long that takes tells nothing about it: digests are compared, and all of them.
///
/// # Errors
/// 401 for anybody else, 404 when there is no secret.
pub fn admit(secret: &str, given: Result<Option<&str>, Problem>) -> Result<(), Problem> {
    if secret.is_empty() {
        return Err(Problem::not_found("page: metrics_token is not set"));
    }
    let given = given?.ok_or_else(|| {
        Problem::unauthorized(None, "send the value of metrics_token as a bearer token")
    })?;
    let (expected, given) = (Sha256::digest(secret), Sha256::digest(given));
    if expected.ct_eq(&given).into() {
        Ok(())
    } else {
        Err(Problem::unauthorized(
            Some("invalid_token"),
            "the token is not the value of metrics_token",
        ))
    }
}

/// What the components told, and which of them did.
fn merge(told: &[(&str, Option<impl AsRef<[u8]>>)]) -> Exposition {
    const UP: &str = "mercato_component_up";
    let read: Vec<(&str, Option<Vec<Family>>)> = told
        .iter()
        .map(|(name, body)| {
            (
                *name,
                body.as_ref().and_then(|body| families(name, body.as_ref())),
            )
        })
        .collect();
    let mut text = Exposition::default();
    text.family(UP, Kind::Gauge, "Whether the component told its metrics.");
    for (name, families) in &read {
        text.sample(UP, &[("component", name)], u8::from(families.is_some()));
    }
    for family in read
        .iter()
        .filter_map(|(_, families)| families.as_ref())
        .flatten()
    {
        text.append(&family.text);
    }
    text
}

fn families(name: &str, body: &[u8]) -> Option<Vec<Family>> {
    let text = std::str::from_utf8(body).ok()?;
    match mercato_metrics::parse(text) {
        Ok(families) => Some(families),
        Err(error) => {
            log::error(
                "the metrics of a component cannot be read",
                &[("asked", name), ("error", &error.to_string())],
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_itself_opens_the_door() {
        let status =
            |secret, given| admit(secret, Ok(given)).map_err(|problem| problem.status().as_u16());
        assert_eq!(status("s3cret", Some("s3cret")), Ok(()));
        for wrong in ["", "s3cre", "s3cret ", "S3cret", "s3crets"] {
            assert_eq!(status("s3cret", Some(wrong)), Err(401), "{wrong}");
        }
        assert_eq!(status("s3cret", None), Err(401));
        assert_eq!(status("", None), Err(404));
        assert_eq!(status("", Some("")), Err(404));
    }

    #[test]
    fn a_box_that_tells_nothing_or_nonsense_leaves_the_others_alone() {
        let good = "# HELP mercato_orders Orders.\n# TYPE mercato_orders gauge\nmercato_orders 3\n";
        let told = [("a", Some(good)), ("b", None), ("c", Some("nonsense"))];
        let text = merge(&told).into_text();
        let families = mercato_metrics::parse(&text).unwrap();
        let up: Vec<f64> = families[0]
            .samples
            .iter()
            .map(|sample| sample.value)
            .collect();
        assert_eq!(up, [1.0, 0.0, 0.0]);
        assert!(text.ends_with(good), "{text}");
    }
}
