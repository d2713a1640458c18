//! Who did what, in the log: every change that a client has made, and every refusal for want of a right or of patience.
//!
//! The runner logs every request; what it cannot know is whose token it was. Lines of one request have its id in common.

use http::{Method, StatusCode};
use mercato_platform::log;

use crate::Principal;

/// The name under which all lines of a request say whose token it came with.
const USER_ID: &str = "user_id";

/// Lets the lines that follow say who asks.
pub(crate) fn learn(principal: &Principal) {
    log::record(USER_ID, &principal.user_id);
}

/// Lets the lines that follow say whose session was opened: whoever logs in has no token yet.
pub fn opened_session_of(user_id: &str) {
    log::record(USER_ID, user_id);
}

/// What is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// A client has changed something.
    Changed,
    /// A client was refused what it asked for, for who it is or how often it asked.
    Refused,
}

/// Logs what became of a client's request, if that is worth a line.
pub(crate) fn record(method: &Method, path: &str, status: StatusCode) {
    let fields = [
        ("method", method.as_str()),
        ("path", path),
        ("status", status.as_str()),
    ];
    match event(method, status) {
        Some(Event::Changed) => log::info("a change was made", &fields),
        Some(Event::Refused) => log::info("a request was refused", &fields),
        None => {}
    }
}

fn event(method: &Method, status: StatusCode) -> Option<Event> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
            Some(Event::Refused)
        }
        _ if status.is_success() && !method.is_safe() => Some(Event::Changed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_and_refusals_are_worth_a_line() {
        for (method, status, expected) in [
            (Method::POST, StatusCode::CREATED, Some(Event::Changed)),
            (Method::PATCH, StatusCode::OK, Some(Event::Changed)),
            (Method::DELETE, StatusCode::NO_CONTENT, Some(Event::Changed)),
            (Method::GET, StatusCode::OK, None),
            (Method::HEAD, StatusCode::OK, None),
            (Method::OPTIONS, StatusCode::NO_CONTENT, None),
            (Method::POST, StatusCode::BAD_REQUEST, None),
            (Method::POST, StatusCode::CONFLICT, None),
            (Method::GET, StatusCode::UNAUTHORIZED, Some(Event::Refused)),
            (Method::POST, StatusCode::FORBIDDEN, Some(Event::Refused)),
            (
                Method::POST,
                StatusCode::TOO_MANY_REQUESTS,
                Some(Event::Refused),
            ),
        ] {
            assert_eq!(event(&method, status), expected, "{method} {status}");
        }
    }
}
