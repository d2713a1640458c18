//! What the checkouts' errors are in HTTP: the whole table.

use checkout::Error;
use mercato_edge::{HeaderValue, Problem, StatusCode, header};
use mercato_platform::log;

/// The problem that a client sees. Causes go to the log and no further.
pub fn problem(error: Error) -> Problem {
    match error {
        Error::Invalid(fields) => Problem::validation(fields),
        Error::NotFound => Problem::not_found("checkout"),
        Error::CodeNotFound => Problem::not_found("discount code"),
        Error::CodeTaken => Problem::conflict(
            "code-taken",
            "there is a discount code of this name: choose another one, or change that one",
        ),
        Error::VersionMismatch => Problem::precondition_failed(),
        Error::TooManyAttempts(seconds) => too_many_attempts(seconds),
        Error::Unavailable(cause) => {
            log::error("checkouts are unavailable", &[("cause", &cause)]);
            Problem::unavailable("checkouts cannot be shown or changed at the moment: try again")
        }
        Error::Internal(cause) => {
            log::error("checkouts failed", &[("cause", &cause)]);
            Problem::internal()
        }
        // Only orders ask for what can be refused so.
        Error::LinesUnavailable(_)
        | Error::QuoteChanged(_)
        | Error::Incomplete(_)
        | Error::CodesUsedUp(_)
        | Error::CodesReleased => {
            log::error("checkouts failed", &[("cause", &error.to_string())]);
            Problem::internal()
        }
    }
}

/// 429 with the seconds to wait (RFC 6585 section 4).
fn too_many_attempts(seconds: u64) -> Problem {
    let detail = format!(
        "too many unknown codes, or too many checkouts: wait {seconds} seconds before the next one"
    );
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-attempts",
        "Too many attempts",
        detail,
    )
    .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status_and_code() {
        let cause = || "secret cause".to_owned();
        for (error, status, code) in [
            (Error::Invalid(vec![]), 400, "validation"),
            (Error::NotFound, 404, "not-found"),
            (Error::CodeNotFound, 404, "not-found"),
            (Error::CodeTaken, 409, "code-taken"),
            (Error::VersionMismatch, 412, "version-mismatch"),
            (Error::TooManyAttempts(60), 429, "too-many-attempts"),
            (Error::CodesReleased, 500, "internal"),
            (Error::Unavailable(cause()), 503, "unavailable"),
            (Error::Internal(cause()), 500, "internal"),
        ] {
            let problem = problem(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
            let document = problem.document("/", "r", "t").to_string();
            assert!(!document.contains("secret"), "{document}");
        }
    }
}
