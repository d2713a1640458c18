//! Requests that the runner itself sends to a component again and again (`[component.ID.tool.mercato]`). A component that
//! answers with the header `mercato-more-work: true` has more to do and is called again at once.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};

use crate::engine::pool::Lane;
use crate::http::handler::{HttpComponent, Invocation};
use crate::http::request_id::Purpose;
use crate::limits::TIMER_BACKOFF_MAX;
use crate::manifest::spin::TimerSpec;
use crate::shutdown::Activity;

/// On an answer: there is more to do.
const MORE_WORK: HeaderName = HeaderName::from_static("mercato-more-work");

/// A component's timer.
pub(crate) struct Timer {
    pub component: Arc<HttpComponent>,
    pub spec: TimerSpec,
}

impl Timer {
    /// Calls the component until the shop closes. The next call begins after the last one has ended, at once when there is
    /// more to do; while calls fail, the pauses double.
    pub(crate) async fn run(&self, activity: Activity) {
        let closing = activity.closing();
        tokio::pin!(closing);
        let (mut failures, mut is_more) = (0, false);
        loop {
            let pause = if is_more {
                Duration::ZERO
            } else {
                pause(self.spec.every_ms, failures)
            };
            tokio::select! {
                biased;
                () = &mut closing => return,
                () = tokio::time::sleep(pause) => {}
            }
            let status;
            (status, is_more) = self.call().await;
            let failed = status.is_server_error() || status.is_client_error();
            self.note(failed, failures, status);
            failures = if failed {
                failures.saturating_add(1)
            } else {
                0
            };
        }
    }

    /// One call, now: its status, and whether there is more to do.
    pub(crate) async fn call(&self) -> (StatusCode, bool) {
        let (purpose, path) = (Purpose::Timer, &self.spec.path);
        let invocation = Invocation::by_runner(purpose, Lane::Timer, Method::POST, path);
        let response = self.component.invoke(invocation).await.into_response();
        let status = response.status();
        let metrics = &self.component.services.metrics;
        metrics.timer_call(&self.component.id, status.is_success());
        let is_more = response.headers().get(&MORE_WORK);
        (status, is_more.is_some_and(|value| value == "true"))
    }

    fn note(&self, failed: bool, failures: u32, status: StatusCode) {
        let (component, path) = (&self.component.id, &self.spec.path);
        match (failed, failures) {
            (true, 0) => {
                tracing::warn!(%component, path, status = status.as_u16(), "timer call failed; backing off")
            }
            (false, 1..) => tracing::info!(%component, path, "timer call works again"),
            _ => tracing::debug!(%component, path, status = status.as_u16(), "timer call"),
        }
    }
}

fn pause(every_ms: u64, failures: u32) -> Duration {
    let every = Duration::from_millis(every_ms);
    let backed_off = every.saturating_mul(2_u32.saturating_pow(failures));
    backed_off.min(TIMER_BACKOFF_MAX.max(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_but_never_shrink() {
        assert_eq!(pause(1000, 0), Duration::from_secs(1));
        assert_eq!(pause(1000, 3), Duration::from_secs(8));
        assert_eq!(pause(1000, 30), Duration::from_secs(60));
        assert_eq!(pause(600_000, 5), Duration::from_secs(600));
    }
}
