//! Ids of requests: a client may choose one, but none that looks like the runner's own.

use http::{HeaderMap, HeaderName, HeaderValue};
use mercato_platform::ids::{Ids, RandomIds};

/// Carries the request's id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id taken over from a client, in characters.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// Why the runner calls a component by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A component's timer.
    Timer,
    /// A message.
    Message,
    /// A collection of metrics.
    Metrics,
    /// A probe.
    Probe,
    /// The check of the settings at the start.
    Settings,
}

impl Purpose {
    /// All of them: the ids of each are kept from clients.
    const ALL: [Self; 5] = [
        Self::Timer,
        Self::Message,
        Self::Metrics,
        Self::Probe,
        Self::Settings,
    ];

    /// What its ids begin with, before a hyphen, and the name of the host that it calls a component by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Timer => "timer",
            Self::Message => "message",
            Self::Metrics => "metrics",
            Self::Probe => "probe",
            Self::Settings => "settings",
        }
    }

    /// A new id for such a call.
    pub(crate) fn new_id(self) -> String {
        format!("{}-{}", self.name(), RandomIds.new_id())
    }
}

/// The client's request id, or a new one, which the component then sees.
pub(crate) fn ensure(headers: &mut HeaderMap) -> String {
    if let Some(id) = headers
        .get(&REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| is_well_formed(id) && !is_reserved(id))
    {
        return id.to_owned();
    }
    let id = RandomIds.new_id();
    match HeaderValue::from_str(&id) {
        Ok(value) => headers.insert(REQUEST_ID, value),
        Err(_) => headers.remove(&REQUEST_ID),
    };
    id
}

fn is_well_formed(id: &str) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Whether a reader of the log would take it for a call of the runner.
fn is_reserved(id: &str) -> bool {
    Purpose::ALL.iter().any(|purpose| {
        let start = id.split('-').next().filter(|start| start.len() < id.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(purpose.name()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(REQUEST_ID, HeaderValue::from_str(given).unwrap());
        }
        let id = ensure(&mut headers);
        assert_eq!(headers[REQUEST_ID], id.as_str());
        id
    }

    #[test]
    fn a_well_formed_request_id_is_kept_and_any_other_replaced() {
        assert_eq!(id_for(Some("abc-1.2_3")), "abc-1.2_3");
        for bad in [
            None,
            Some("a b"),
            Some("a\"b"),
            Some(&*"x".repeat(129)),
            Some(""),
        ] {
            let id = id_for(bad);
            assert!(
                mercato_platform::ids::parse(&id).is_ok() && id.get(14..15) == Some("7"),
                "{id}"
            );
        }
    }

    #[test]
    fn a_client_cannot_take_an_id_of_the_runner() {
        for purpose in Purpose::ALL {
            let forged = purpose.new_id();
            assert_ne!(id_for(Some(&forged)), forged);
            let forged = forged.to_ascii_uppercase();
            assert_ne!(id_for(Some(&forged)), forged);
        }
        assert_eq!(id_for(Some("timers")), "timers");
    }
}
