//! What the accounts' errors are in HTTP: the whole table.

use mercato_edge::{FieldError, HeaderValue, Problem, StatusCode, header};

use crate::bindings::mercato::auth::accounts::{self, AccountError};

/// The fields at fault, as clients see them.
pub fn field_errors(fields: Vec<accounts::FieldError>) -> Vec<FieldError> {
    let to_error =
        |error: accounts::FieldError| FieldError::new(error.field, error.code, error.message);
    fields.into_iter().map(to_error).collect()
}

/// The problem that a client sees.
pub fn problem(error: AccountError) -> Problem {
    match error {
        AccountError::Invalid(fields) => Problem::validation(field_errors(fields)),
        AccountError::EmailTaken => Problem::conflict(
            "email-taken",
            "an account with this e-mail address exists: log in instead",
        ),
        AccountError::InvalidCredentials => {
            invalid_credentials("the e-mail address or the password is wrong")
        }
        AccountError::PasswordRequired => Problem::new(
            StatusCode::FORBIDDEN,
            "password-required",
            "Password required",
            "send the current password, too: currentPassword",
        ),
        AccountError::TooManyAttempts(seconds) => too_many_attempts(seconds),
        AccountError::Busy(seconds) => {
            Problem::unavailable("too many people are logging in at the moment: try again soon")
                .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
        }
        AccountError::InvalidRefreshToken => unauthorized(
            "invalid-refresh-token",
            "the refresh token is not valid: log in again",
        ),
        AccountError::SessionEnded => ended_session(),
        AccountError::SessionNotFound => Problem::not_found("session"),
        AccountError::NotFound => Problem::not_found("account"),
        AccountError::VersionMismatch => Problem::precondition_failed(),
        AccountError::LastAdmin => Problem::conflict(
            "last-admin",
            "this is the last active admin: make another one first",
        ),
        AccountError::Unavailable => {
            Problem::unavailable("accounts cannot be changed at the moment: try again")
        }
        AccountError::Internal => Problem::internal(),
    }
}

/// As [`problem`], where the current password was asked for.
pub fn password_problem(error: AccountError) -> Problem {
    match error {
        AccountError::InvalidCredentials => invalid_credentials("the current password is wrong"),
        other => problem(other),
    }
}

/// 401 for a valid token whose session has ended, or whose account is gone or disabled.
fn ended_session() -> Problem {
    Problem::unauthorized(Some("invalid_token"), "the session has ended: log in again")
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
    use super::*;

    fn status_and_code(problem: &Problem) -> (u16, &'static str) {
        (problem.status().as_u16(), problem.code())
    }

    #[test]
    fn every_error_has_its_status_and_code() {
        for (error, status, code) in [
            (AccountError::Invalid(vec![]), 400, "validation"),
            (AccountError::EmailTaken, 409, "email-taken"),
            (AccountError::InvalidCredentials, 401, "invalid-credentials"),
            (AccountError::PasswordRequired, 403, "password-required"),
            (AccountError::TooManyAttempts(60), 429, "too-many-attempts"),
            (AccountError::Busy(2), 503, "unavailable"),
            (
                AccountError::InvalidRefreshToken,
                401,
                "invalid-refresh-token",
            ),
            (AccountError::SessionEnded, 401, "unauthorized"),
            (AccountError::SessionNotFound, 404, "not-found"),
            (AccountError::NotFound, 404, "not-found"),
            (AccountError::VersionMismatch, 412, "version-mismatch"),
            (AccountError::LastAdmin, 409, "last-admin"),
            (AccountError::Unavailable, 503, "unavailable"),
            (AccountError::Internal, 500, "internal"),
        ] {
            assert_eq!(status_and_code(&problem(error)), (status, code));
        }
    }

    #[test]
    fn a_wrong_current_password_is_told_apart_from_an_ended_session() {
        for (error, code) in [
            (AccountError::InvalidCredentials, "invalid-credentials"),
            (AccountError::SessionEnded, "unauthorized"),
        ] {
            assert_eq!(status_and_code(&password_problem(error)), (401, code));
        }
    }

    #[test]
    fn invalid_fields_are_named_as_the_domain_names_them() {
        let field = accounts::FieldError {
            field: "email".to_owned(),
            code: "format".to_owned(),
            message: "email must be an address such as name@example.com".to_owned(),
        };
        let document = problem(AccountError::Invalid(vec![field])).document("/", "r", "t");
        let expected = serde_json::json!([
            {"field": "email", "code": "format", "message": "email must be an address such as name@example.com"}
        ]);
        assert_eq!(document["errors"], expected);
    }
}
