//! What the accounts' errors are in HTTP: the whole table.

use auth::Error;
use mercato_edge::{HeaderValue, Problem, StatusCode, header};
use mercato_platform::log;

/// The problem that a client sees. Causes go to the log and no further.
pub fn problem(error: Error) -> Problem {
    match error {
        Error::Invalid(fields) => Problem::validation(fields),
        Error::EmailTaken => Problem::conflict(
            "email-taken",
            "an account with this e-mail address exists: log in instead",
        ),
        Error::InvalidCredentials => {
            invalid_credentials("the e-mail address or the password is wrong")
        }
        Error::PasswordRequired => Problem::new(
            StatusCode::FORBIDDEN,
            "password-required",
            "Password required",
            "send the current password, too: currentPassword",
        ),
        Error::TooManyAttempts(seconds) => too_many_attempts(seconds),
        Error::Busy(seconds) => busy(seconds),
        // No use case returns it.
        Error::MustWait(_) => busy(1),
        Error::InvalidRefreshToken => unauthorized(
            "invalid-refresh-token",
            "the refresh token is not valid: log in again",
        ),
        Error::SessionEnded => ended_session(),
        Error::SessionNotFound => Problem::not_found("session"),
        Error::NotFound => Problem::not_found("account"),
        Error::VersionMismatch => Problem::precondition_failed(),
        Error::LastAdmin => Problem::conflict(
            "last-admin",
            "this is the last active admin: make another one first",
        ),
        Error::OtherSigningKey => {
            log::error(
                "access tokens are signed with a key that this runner does not have: give all the same jwt_secret, or the other one as \
                 jwt_previous_secret",
                &[],
            );
            Problem::unavailable("access tokens are signed with another key than this replica has")
        }
        Error::Unavailable(cause) => {
            log::error("accounts are unavailable", &[("cause", &cause)]);
            Problem::unavailable("accounts cannot be changed at the moment: try again")
        }
        Error::Internal(cause) => {
            log::error("accounts failed", &[("cause", &cause)]);
            Problem::internal()
        }
    }
}

/// As [`problem`], where the current password was asked for.
pub fn password_problem(error: Error) -> Problem {
    match error {
        Error::InvalidCredentials => invalid_credentials("the current password is wrong"),
        other => problem(other),
    }
}

/// 401 for a valid token whose session has ended, or whose account is gone or disabled.
fn ended_session() -> Problem {
    Problem::unauthorized(Some("invalid_token"), "the session has ended: log in again")
}

/// 503 with the seconds to wait.
fn busy(seconds: u64) -> Problem {
    Problem::unavailable("too many people are logging in at the moment: try again soon")
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
}

/// 401 for a password that does not fit.
fn invalid_credentials(detail: &str) -> Problem {
    unauthorized("invalid-credentials", detail)
}

/// 429 with the seconds to wait (RFC 6585 section 4).
fn too_many_attempts(seconds: u64) -> Problem {
    let detail = format!("too many attempts: wait {seconds} seconds before the next one");
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-attempts",
        "Too many attempts",
        detail,
    )
    .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
}

/// 401 with the challenge that RFC 9110 section 15.5.2 asks for.
fn unauthorized(code: &'static str, detail: &str) -> Problem {
    let challenge = HeaderValue::from_static("Bearer realm=\"mercato\"");
    Problem::new(StatusCode::UNAUTHORIZED, code, "Unauthorized", detail)
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests {
    use mercato_edge::FieldError;

    use super::*;

    fn status_and_code(problem: &Problem) -> (u16, &'static str) {
        (problem.status().as_u16(), problem.code())
    }

    #[test]
    fn every_error_has_its_status_and_code() {
        for (error, status, code) in [
            (Error::Invalid(vec![]), 400, "validation"),
            (Error::EmailTaken, 409, "email-taken"),
            (Error::InvalidCredentials, 401, "invalid-credentials"),
            (Error::PasswordRequired, 403, "password-required"),
            (Error::TooManyAttempts(60), 429, "too-many-attempts"),
            (Error::Busy(2), 503, "unavailable"),
            (Error::InvalidRefreshToken, 401, "invalid-refresh-token"),
            (Error::SessionEnded, 401, "unauthorized"),
            (Error::SessionNotFound, 404, "not-found"),
            (Error::NotFound, 404, "not-found"),
            (Error::VersionMismatch, 412, "version-mismatch"),
            (Error::LastAdmin, 409, "last-admin"),
            (Error::Unavailable("cause".to_owned()), 503, "unavailable"),
            (Error::Internal("cause".to_owned()), 500, "internal"),
        ] {
            assert_eq!(status_and_code(&problem(error)), (status, code));
        }
    }

    #[test]
    fn a_wrong_password_and_an_ended_session_differ() {
        for (error, code) in [
            (Error::InvalidCredentials, "invalid-credentials"),
            (Error::SessionEnded, "unauthorized"),
        ] {
            assert_eq!(status_and_code(&password_problem(error)), (401, code));
        }
    }

    #[test]
    fn invalid_fields_are_named_as_the_domain_names_them() {
        let message = "email must be an address such as name@example.com";
        let field = FieldError::new("email", "format", message);
        let document = problem(Error::Invalid(vec![field])).document("/", "r", "t");
        let expected = serde_json::json!([
            {"field": "email", "code": "format", "message": "email must be an address such as name@example.com"}
        ]);
        assert_eq!(document["errors"], expected);
    }

    #[test]
    fn causes_are_not_shown() {
        let cause = || "secret cause".to_owned();
        for error in [Error::Unavailable(cause()), Error::Internal(cause())] {
            let document = problem(error).document("/", "r", "t");
            assert!(!document.to_string().contains("secret"));
        }
    }
}
