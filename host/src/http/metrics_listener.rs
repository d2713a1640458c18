//! The listener of metrics: the runner's own, and those of components
//! (`metrics` in `[component.ID.tool.mercato]`).

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use mercato_metrics::Family;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::handler::{HttpComponent, Invocation};
use super::request_id::Purpose;
use crate::engine::guest::Services;
use crate::engine::pool::Lane;
use crate::limits::{METRICS_BYTES, METRICS_CONNECTIONS_MAX, METRICS_TIME, REQUEST_HEAD_TIME};
use crate::observe::metrics::Metrics;
use crate::shutdown::Activity;

/// Pause after the listener failed, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A component that has metrics, and its path for them.
pub(crate) struct Source {
    component: Arc<HttpComponent>,
    path: String,
    /// One request at a time: a component that hangs must not get ever more of them.
    asking: Arc<Mutex<()>>,
}

impl Source {
    pub(crate) fn new(component: Arc<HttpComponent>, path: String) -> Self {
        Self {
            component,
            path,
            asking: Arc::default(),
        }
    }

    /// The component's metrics, or why there are none.
    async fn ask(&self) -> Result<Vec<Family>, String> {
        let (component, path) = (Arc::clone(&self.component), self.path.clone());
        let answer = async move { request(&component, &path).await };
        let text = in_turn(&self.asking, METRICS_TIME, answer).await?;
        mercato_metrics::parse(&text).map_err(|invalid| invalid.to_string())
    }
}

/// Waits for its turn, and then for the answer, each for so long.
async fn in_turn(
    asking: &Arc<Mutex<()>>,
    limit: Duration,
    answer: impl Future<Output = Result<String, String>> + Send + 'static,
) -> Result<String, String> {
    let late = "it did not answer in time";
    let turn = timeout(limit, Arc::clone(asking).lock_owned());
    let turn = turn.await.map_err(|_| late)?;
    // A task of its own: it keeps its turn until the component is done, also when the scrape has ended.
    let answer = tokio::spawn(async move {
        let answer = answer.await;
        drop(turn);
        answer
    });
    timeout(limit, answer)
        .await
        .map_err(|_| late)?
        .map_err(|cause| cause.to_string())?
}

async fn request(component: &Arc<HttpComponent>, path: &str) -> Result<String, String> {
    let invocation = Invocation::by_runner(Purpose::Metrics, Lane::Timer, Method::GET, path);
    let response = component.invoke(invocation).await.into_response();
    if response.status() != StatusCode::OK {
        return Err(format!("it answered {}", response.status()));
    }
    let body = Limited::new(response.into_body(), METRICS_BYTES)
        .collect()
        .await
        .map_err(|cause| cause.to_string())?;
    String::from_utf8(body.to_bytes().into()).map_err(|cause| cause.to_string())
}

/// All metrics as text. Those of a component that does not answer are missing.
pub(crate) async fn render(metrics: &Metrics, sources: &[Source]) -> String {
    let answers = futures::future::join_all(sources.iter().map(Source::ask)).await;
    let mut scraped = Vec::new();
    for (source, answer) in sources.iter().zip(answers) {
        let component = source.component.id.as_str();
        metrics.scrape(component, answer.is_ok());
        match answer {
            Ok(families) => scraped.push((component, families)),
            Err(cause) => tracing::warn!(component, "no metrics of a component: {cause}"),
        }
    }
    let mut text = metrics.render();
    let mut names: BTreeSet<String> = mercato_metrics::parse(&text)
        .unwrap_or_default()
        .into_iter()
        .map(|family| family.name)
        .collect();
    for (component, families) in scraped {
        for family in families {
            if !metrics.is_reserved(&family.name) && names.insert(family.name.clone()) {
                text.push_str(&family.text);
            } else {
                tracing::warn!(
                    component,
                    "a metric was left out: there is another {}",
                    family.name
                );
            }
        }
    }
    text
}

/// Serves all metrics until the shop closes.
pub(crate) async fn serve(
    listener: TcpListener,
    services: Arc<Services>,
    sources: Vec<Source>,
    activity: Activity,
) {
    let sources = Arc::new(sources);
    let slots = Arc::new(Semaphore::new(METRICS_CONNECTIONS_MAX));
    let closing = activity.closing();
    tokio::pin!(closing);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut closing => return,
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            // There are too many connections: this one is closed.
            continue;
        };
        let (services, sources) = (Arc::clone(&services), Arc::clone(&sources));
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let (services, sources) = (Arc::clone(&services), Arc::clone(&sources));
            async move { Ok::<_, Infallible>(metrics(&request, &services, &sources).await) }
        });
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST_HEAD_TIME)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(cause) = connection.await {
                tracing::debug!("metrics connection ended: {cause}");
            }
            drop(slot);
        });
    }
}

async fn metrics(
    request: &Request<hyper::body::Incoming>,
    services: &Services,
    sources: &[Source],
) -> Response<Full<Bytes>> {
    let (status, text) = if request.uri().path() == "/metrics" {
        let text = render(&services.metrics, sources).await;
        (StatusCode::OK, text)
    } else {
        let text = "the counters are at /metrics\n".into();
        (StatusCode::NOT_FOUND, text)
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(mercato_metrics::CONTENT_TYPE),
    );
    response
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_component_that_hangs_is_not_waited_for_or_asked_again() {
        let asking = Arc::default();
        let (end, ended) = oneshot::channel();
        let hanging = async { ended.await.map_err(|_| "never ended".to_owned()) };
        let late = Err("it did not answer in time".to_owned());
        assert_eq!(in_turn(&asking, SHORT, hanging).await, late);
        let prompt = || async { Ok("prompt".to_owned()) };
        assert_eq!(in_turn(&asking, SHORT, prompt()).await, late);
        end.send("late".to_owned()).unwrap();
        let scraped = in_turn(&asking, LONG, prompt()).await;
        assert_eq!(scraped, Ok("prompt".to_owned()));
    }
}
