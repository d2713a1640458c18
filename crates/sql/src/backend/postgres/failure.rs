//! What PostgreSQL says of a statement that has failed.

use crate::{Error, Rule, Violation};

/// What has come of a statement.
pub struct Failure {
    /// Why it failed.
    pub error: Error,
    /// Whether the whole transaction should be run again: others were in its way, or it in theirs.
    pub is_conflict: bool,
    /// Whether the connection is of no more use.
    pub is_lost: bool,
}

/// What the server says (PostgreSQL's documentation, appendix A and section 55.8).
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// The SQLSTATE: five digits or capital letters.
    pub code: &'a str,
    /// In words.
    pub message: &'a str,
    /// The table of a rule that was broken.
    pub table: &'a str,
    /// The column of a rule that was broken.
    pub column: &'a str,
    /// The name of a rule that was broken.
    pub constraint: &'a str,
}

/// SQLSTATEs that mean something here.
mod code {
    pub const SERIALIZATION_FAILURE: &str = "40001";
    pub const DEADLOCK_DETECTED: &str = "40P01";
    pub const LOCK_NOT_AVAILABLE: &str = "55P03";
    pub const TOO_MANY_CONNECTIONS: &str = "53300";
    pub const DISK_FULL: &str = "53100";
    pub const QUERY_CANCELED: &str = "57014";
    pub const IDLE_IN_TRANSACTION: &str = "25P03";
    pub const READ_ONLY: &str = "25006";
    pub const NOT_NULL: &str = "23502";
    pub const FOREIGN_KEY: &str = "23503";
    pub const UNIQUE: &str = "23505";
    pub const CHECK: &str = "23514";
}

impl Failure {
    /// The server has refused the statement.
    pub fn answered(answer: Answer<'_>) -> Self {
        let is_conflict = matches!(
            answer.code,
            code::SERIALIZATION_FAILURE | code::DEADLOCK_DETECTED
        );
        let is_lost = is_away(answer.code);
        let message = format!("{} ({})", answer.message, answer.code);
        let error = if is_conflict || is_lost {
            Error::Busy(message)
        } else {
            match answer.code {
                code::LOCK_NOT_AVAILABLE | code::TOO_MANY_CONNECTIONS => Error::Busy(message),
                code::QUERY_CANCELED => Error::Interrupted(message),
                code::DISK_FULL => Error::Full,
                _ => match violation(answer) {
                    Some(violation) => Error::Constraint(violation),
                    None => Error::Storage(message),
                },
            }
        };
        Self {
            error,
            is_conflict,
            is_lost,
        }
    }

    /// The connection is gone, or none could be had. Whether something was committed is not known then: whoever asks again finds
    /// out.
    pub const fn lost(message: String) -> Self {
        Self {
            error: Error::Busy(message),
            is_conflict: false,
            is_lost: true,
        }
    }

    /// The program is at fault: a value of another type than the statement wants, for example.
    pub const fn fault(error: Error) -> Self {
        Self {
            error,
            is_conflict: false,
            is_lost: false,
        }
    }
}

/// The server goes away, is not there yet, has given up waiting for us, or is no primary any more.
fn is_away(code: &str) -> bool {
    code.starts_with("08")
        || code.starts_with("57P")
        || matches!(code, code::IDLE_IN_TRANSACTION | code::READ_ONLY)
}

fn violation(answer: Answer<'_>) -> Option<Violation> {
    let Answer {
        table, constraint, ..
    } = answer;
    let (rule, on) = match answer.code {
        code::UNIQUE => (Rule::Unique, column_of(table, constraint)),
        code::CHECK => (Rule::Check, constraint.to_owned()),
        code::FOREIGN_KEY => (Rule::ForeignKey, constraint.to_owned()),
        code::NOT_NULL => (Rule::NotNull, format!("{table}.{}", answer.column)),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: &str) -> Failure {
        Failure::answered(Answer {
            code,
            message: "no",
            table: "users",
            constraint: "users_email_key",
            ..Answer::default()
        })
    }

    #[test]
    fn a_server_that_goes_away_may_be_asked_again() {
        for code in ["08006", "57P01", "57P03", "25P03", "25006"] {
            let failure = failure(code);
            assert!(failure.is_lost, "{code}");
            assert!(failure.error.is_transient(), "{code}");
        }
        for code in ["53300", "55P03", "57014", "53100"] {
            let failure = failure(code);
            assert!(!failure.is_lost, "{code}");
            assert!(failure.error.is_transient(), "{code}");
        }
    }

    #[test]
    fn a_conflict_is_to_be_run_again() {
        for (code, is_conflict) in [("40001", true), ("40P01", true), ("23505", false)] {
            assert_eq!(failure(code).is_conflict, is_conflict, "{code}");
        }
    }

    #[test]
    fn a_rule_is_known_by_its_columns() {
        let Error::Constraint(violation) = failure("23505").error else {
            panic!("no violation");
        };
        assert!(violation.is_of_unique("users.email"));
        assert!(matches!(failure("42P01").error, Error::Storage(_)));
    }
}
