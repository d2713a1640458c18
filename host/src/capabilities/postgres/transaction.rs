//! What stands behind a guest's handle: a place for a connection, which is there from the first statement of a transaction to its
//! last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::connection::{Answer, Query};
use super::servers::{Lease, Pool, unreachable};
use crate::capabilities::bindings::spin::postgres::postgres::{Error, ParameterValue};
use crate::limits::POSTGRES_STATEMENT_TIME;

/// With this in a transaction its statements take the time that they need: it is a migration.
const LIFTS_LIMIT: &str = "SET LOCAL statement_timeout = 0";

/// A guest's connection.
pub(super) struct OpenConnection {
    pool: Arc<Pool>,
    transaction: Transaction,
}

#[derive(Default)]
enum Transaction {
    #[default]
    None,
    /// It was begun, but nothing has happened in it. The statement that begins it goes with the next one.
    Begun(String),
    Open(Box<Held>),
    /// Its connection is gone: what the guest still asks for in it must not happen outside of it.
    Lost,
}

/// The connection of a transaction.
struct Held {
    lease: Lease,
    /// Whether its statements have a limit of time.
    is_limited: bool,
}

/// What a statement does with the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Begins,
    Ends,
    None,
}

impl OpenConnection {
    pub(super) const fn new(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            transaction: Transaction::None,
        }
    }

    /// Whether a transaction is open.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.transaction, Transaction::None)
    }

    /// Ends the transaction, if there is one, without committing it.
    pub(super) fn roll_back(&mut self) {
        self.transaction = Transaction::None;
    }

    /// Runs a statement. Also gives the time that is not to count as the request's: that of a migration.
    pub(super) async fn run(
        &mut self,
        statement: &str,
        parameters: &[ParameterValue],
        wants_rows: bool,
    ) -> (Result<Answer, Error>, Duration) {
        let effect = effect(statement);
        let transaction = std::mem::take(&mut self.transaction);
        // Until it is known to go on, the transaction counts as lost.
        let is_inside = !matches!(transaction, Transaction::None);
        if is_inside && effect != Effect::Ends {
            self.transaction = Transaction::Lost;
        }
        let nothing = (Ok(Answer::default()), Duration::ZERO);
        let (held, begin) = match (transaction, effect) {
            (Transaction::None, Effect::Begins) => {
                self.transaction = Transaction::Begun(statement.to_owned());
                return nothing;
            }
            // There is nothing to end.
            (Transaction::None | Transaction::Begun(_), Effect::Ends) => return nothing,
            (Transaction::Lost, Effect::Ends) if rolls_back(statement) => return nothing,
            (Transaction::Lost, _) => {
                return (Err(unreachable("its connection was lost")), Duration::ZERO);
            }
            (Transaction::Open(held), _) => (Ok(held), None),
            (Transaction::Begun(begin), _) => (self.hold().await, Some(begin)),
            (Transaction::None, _) => (self.hold().await, None),
        };
        let mut held = match held {
            Ok(held) => held,
            Err(error) => return (Err(error), Duration::ZERO),
        };
        held.is_limited &= !statement.starts_with(LIFTS_LIMIT);
        let query = Query {
            begin: begin.as_deref(),
            statement,
            parameters,
            wants_rows,
        };
        let started = Instant::now();
        let result = held.run(query).await;
        let excluded = if held.is_limited {
            Duration::ZERO
        } else {
            started.elapsed()
        };
        match &result {
            Err(Error::ConnectionFailed(_)) => held.lease.abandon(),
            _ if held.lease.is_closed() => {}
            _ if is_inside && effect != Effect::Ends => self.transaction = Transaction::Open(held),
            _ => held.lease.give_back(),
        }
        (result, excluded)
    }

    /// Runs statements of a fault plan, on the connection of the transaction if there is one.
    pub(super) async fn run_batch(&mut self, statements: &str) -> Result<(), Error> {
        if let Transaction::Open(held) = &mut self.transaction {
            return held.lease.connection()?.run_batch(statements).await;
        }
        let mut held = self.hold().await?;
        let done = held.lease.connection()?.run_batch(statements).await;
        held.lease.give_back();
        done
    }

    async fn hold(&self) -> Result<Box<Held>, Error> {
        Ok(Box::new(Held {
            lease: self.pool.lease().await?,
            is_limited: true,
        }))
    }
}

impl Held {
    async fn run(&mut self, query: Query<'_>) -> Result<Answer, Error> {
        let working = self.lease.connection()?.run(query);
        if !self.is_limited {
            return working.await;
        }
        let answered = timeout(POSTGRES_STATEMENT_TIME, working).await;
        answered.unwrap_or_else(|_| Err(unreachable("it did not answer in time")))
    }
}

/// Only the first word says it: what is more, such as an isolation level, is the server's to read.
fn effect(statement: &str) -> Effect {
    let mut words = statement.split(|c: char| !c.is_ascii_alphabetic());
    let first = words.find(|word| !word.is_empty()).unwrap_or_default();
    let is = |word: &str| first.eq_ignore_ascii_case(word);
    if is("BEGIN") || is("START") {
        Effect::Begins
    } else if is("COMMIT") || is("END") || is("ABORT") {
        Effect::Ends
    } else if is("ROLLBACK") && !words.any(|word| word.eq_ignore_ascii_case("TO")) {
        // `ROLLBACK TO` goes back to a savepoint.
        Effect::Ends
    } else {
        Effect::None
    }
}

fn rolls_back(statement: &str) -> bool {
    let word = statement.trim_start().get(..5).unwrap_or_default();
    word.eq_ignore_ascii_case("ROLLB") || word.eq_ignore_ascii_case("ABORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_are_known_by_their_first_word() {
        for (statement, is) in [
            ("BEGIN", Effect::Begins),
            ("  begin isolation level serializable", Effect::Begins),
            ("START TRANSACTION", Effect::Begins),
            ("COMMIT", Effect::Ends),
            ("end;", Effect::Ends),
            ("ROLLBACK", Effect::Ends),
            ("rollback to savepoint a", Effect::None),
            ("SELECT 'COMMIT'", Effect::None),
            ("", Effect::None),
        ] {
            assert_eq!(effect(statement), is, "{statement:?}");
        }
        assert!(rolls_back(" rollback") && rolls_back("ABORT") && !rolls_back("COMMIT"));
    }
}
