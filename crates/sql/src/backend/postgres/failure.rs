//! What PostgreSQL says of a statement that has failed.

use postgres::error::{DbError, SqlState};

use crate::{Error, Rule, Violation};

/// What has come of a statement.
pub struct Failure {
    /// Why it failed.
    pub error: Error,
    /// Whether the whole transaction should be run again: others were in its way, or it in theirs.
    pub is_conflict: bool,
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            return Self {
                error: without_answer(&error),
                is_conflict: false,
            };
        };
        let is_conflict = matches!(
            *said.code(),
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED
        );
        let error = answered(said, is_conflict);
        Self { error, is_conflict }
    }
}

/// The connection is gone, or nothing could be sent over it. Whether something was committed is not known then: whoever asks again
/// finds out.
fn without_answer(error: &postgres::Error) -> Error {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let message = format!("{error}: {}", cause.unwrap_or_default());
    if error.is_closed() || message.contains("connect") {
        Error::Busy(message)
    } else {
        Error::Storage(message)
    }
}

fn answered(said: &DbError, is_conflict: bool) -> Error {
    let message = format!("{} ({})", said.message(), said.code().code());
    let code = said.code();
    if is_conflict || is_away(code) {
        return Error::Busy(message);
    }
    match *code {
        SqlState::LOCK_NOT_AVAILABLE | SqlState::TOO_MANY_CONNECTIONS => Error::Busy(message),
        SqlState::QUERY_CANCELED => Error::Interrupted(message),
        SqlState::DISK_FULL => Error::Full,
        _ => match violation(said) {
            Some(violation) => Error::Constraint(violation),
            None => Error::Storage(message),
        },
    }
}

/// The server goes away, or is not there yet.
fn is_away(code: &SqlState) -> bool {
    let is_of_class = |class: &str| code.code().starts_with(class);
    is_of_class("08") || is_of_class("57P")
}

fn violation(said: &DbError) -> Option<Violation> {
    let table = said.table().unwrap_or_default();
    let constraint = said.constraint().unwrap_or_default();
    let (rule, on) = match *said.code() {
        SqlState::UNIQUE_VIOLATION => (Rule::Unique, column_of(table, constraint)),
        SqlState::CHECK_VIOLATION => (Rule::Check, constraint.to_owned()),
        SqlState::FOREIGN_KEY_VIOLATION => (Rule::ForeignKey, constraint.to_owned()),
        SqlState::NOT_NULL_VIOLATION => {
            let column = said.column().unwrap_or_default();
            (Rule::NotNull, format!("{table}.{column}"))
        }
        _ => return None,
    };
    Some(Violation {
        rule,
        on,
        may_pass: rule == Rule::Unique,
    })
}

/// `users.email` for the rule that PostgreSQL names `users_email_key`; other rules keep their names.
fn column_of(table: &str, constraint: &str) -> String {
    let column = constraint
        .strip_prefix(table)
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(|rest| rest.strip_suffix("_key"));
    match column {
        Some(column) => format!("{table}.{column}"),
        None => constraint.to_owned(),
    }
}
