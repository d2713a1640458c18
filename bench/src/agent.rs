//! Talking to servers.

use std::time::Duration;

use ureq::Agent;

/// A file of products takes a while.
const ANSWER_LIMIT: Duration = Duration::from_secs(600);

/// Talks to servers, past all proxies; an answer is no error, whatever its status.
pub fn agent() -> Agent {
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(ANSWER_LIMIT))
        .build();
    agent.into()
}
